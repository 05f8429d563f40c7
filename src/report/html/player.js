(() => {
  const audio = document.querySelector("audio");
  const deck = document.getElementById("timeline");
  if (!audio || !deck) return;
  document.documentElement.classList.add("plays");
  const length = Number(deck.dataset.length);
  // Stretches of the conversation that lie end to end in the sound: [from, to, where it begins in the sound].
  let kept = 0;
  const spans = deck.dataset.spans.split(" ").map((span) => {
    const [from, to] = span.split(":").map(Number);
    kept += to - from;
    return [from, to, kept - (to - from)];
  });
  // A time in the sound as one in the conversation, and the other way round.
  const inCall = (now) => {
    const [from, , at] = spans.findLast((span) => span[2] <= now) || spans[0];
    return from + now - at;
  };
  const inSound = (time) => {
    const [from, to, at] = spans.findLast((span) => span[0] <= time) || spans[0];
    return at + Math.min(Math.max(time, from), to) - from;
  };
  const whole = deck.querySelector("svg");
  const turns = [...document.querySelectorAll(".turn[data-start]")].map((element) => ({
    element,
    button: element.querySelector(".play"),
    cursor: element.querySelector(".cursor"),
    start: Number(element.dataset.start),
    end: Number(element.dataset.end),
    from: Number(element.dataset.from),
    to: Number(element.dataset.to),
  }));
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let current = null;
  let asked = null;

  const place = (line, share) => {
    if (!line) return;
    line.classList.toggle("on", share >= 0 && share <= 1);
    line.setAttribute("x1", `${100 * share}%`);
    line.setAttribute("x2", `${100 * share}%`);
  };
  const show = () => {
    const now = inCall(audio.currentTime);
    if (asked && now >= asked.end && !audio.paused) audio.pause();
    place(whole.querySelector(".cursor"), now / length);
    const turn = turns.find((one) => one.start <= now && now < one.end) || null;
    if (turn !== current) {
      if (current) {
        current.element.classList.remove("now");
        place(current.cursor, -1);
      }
      if (turn) turn.element.classList.add("now");
      current = turn;
    }
    if (turn) place(turn.cursor, (now - turn.from) / (turn.to - turn.from));
    for (const one of turns) {
      const plays = one === turn && !audio.paused;
      one.button.classList.toggle("on", plays);
      one.button.setAttribute("aria-label", `${plays ? "Pause" : "Play"} turn ${one.element.id.replace("turn-", "")}`);
    }
  };
  const follow = () => {
    show();
    if (!audio.paused && !isCalm) requestAnimationFrame(follow);
  };
  for (const one of turns) {
    one.button.addEventListener("click", () => {
      if (!audio.paused && current === one) {
        audio.pause();
        return;
      }
      const now = inCall(audio.currentTime);
      const isInside = asked === one && now > one.start && now < one.end;
      if (!isInside) audio.currentTime = inSound(one.start);
      asked = one;
      // Whoever pauses before it has begun is no error.
      audio.play().catch(() => {});
    });
  }
  // Whoever uses the player itself plays on to the end.
  for (const event of ["pointerdown", "keydown"]) audio.addEventListener(event, () => { asked = null; });
  whole.addEventListener("click", (event) => {
    const box = whole.getBoundingClientRect();
    asked = null;
    audio.currentTime = inSound(length * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
    show();
  });
  audio.addEventListener("play", follow);
  for (const event of ["pause", "seeked", "timeupdate", "ended"]) audio.addEventListener(event, show);
})();
