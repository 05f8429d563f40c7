(() => {
  const find = (selector) => document.querySelector(selector);
  const sides = { first: find("[data-which=first]"), second: find("[data-which=second]") };
  const audio = new Audio();
  let shown = null;
  let playing = null;
  let isSending = false;
  // What was heard to its end, or read. Nobody chooses before both are.
  let heard = new Set();

  const tell = (text) => { find("#told").textContent = text; };

  const mark = () => {
    for (const [which, side] of Object.entries(sides)) side.classList.toggle("now", playing === which);
    for (const button of document.querySelectorAll(".choose")) {
      button.setAttribute("aria-disabled", String(heard.size < 2 || isSending));
    }
  };

  const stop = () => {
    audio.pause();
    playing = null;
    mark();
  };

  const hear = (which) => {
    if (!shown || shown.number === null || shown.judged !== "sound") return;
    if (playing === which) return stop();
    stop();
    playing = which;
    audio.src = `/sound/${shown.number}/${which}`;
    audio.play().catch(() => {
      if (playing === which) {
        stop();
        tell("This one cannot be played.");
      }
    });
    mark();
  };

  audio.addEventListener("ended", () => {
    heard.add(playing);
    tell(heard.size < 2 ? "Now the other one." : "Choose with 1, 2 or 0.");
    stop();
  });

  const show = (next) => {
    stop();
    shown = next;
    const isDone = next.number === null;
    heard = new Set(next.judged === "text" ? ["first", "second"] : []);
    find("#pair").hidden = isDone;
    find("#results").hidden = !isDone;
    find("#progress").textContent = isDone ? `${next.of} of ${next.of}` : `Pair ${next.number} of ${next.of}`;
    find("#asked bdi").textContent = next.asked || "";
    for (const [which, side] of Object.entries(sides)) {
      side.querySelector(".words bdi").textContent = next[which] || "";
      side.querySelector(".words").hidden = next.judged !== "text";
      side.querySelector(".hear").hidden = next.judged !== "sound";
    }
    if (isDone) find("#results pre").textContent = next.results;
    tell(isDone ? "" : next.judged === "text" ? "Read both, and choose with 1, 2 or 0." : "Play both with A and B, then choose.");
    mark();
  };

  const load = async () => {
    const response = await fetch("/pair");
    if (!response.ok) throw new Error(await response.text());
    show(await response.json());
  };

  const choose = async (chosen) => {
    if (!shown || shown.number === null || isSending) return;
    if (heard.size < 2) return tell("Hear both to their ends first: A and B play them.");
    isSending = true;
    mark();
    try {
      const response = await fetch("/choice", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ number: shown.number, chosen }),
      });
      isSending = false;
      if (response.ok) show(await response.json());
      else if (response.status === 409) await load();
      else tell(await response.text());
    } catch {
      tell("voicesim does not answer: is it still running? What was chosen before is kept.");
    }
    isSending = false;
    mark();
  };

  for (const [which, side] of Object.entries(sides)) {
    side.querySelector(".hear").addEventListener("click", () => hear(which));
  }
  for (const button of document.querySelectorAll(".choose")) {
    button.addEventListener("click", () => choose(button.dataset.chosen));
  }
  const keys = {
    a: () => hear("first"), b: () => hear("second"),
    1: () => choose("first"), 2: () => choose("second"), 0: () => choose("neither"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const act = keys[event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  load().catch(() => tell("voicesim does not answer: is it still running?"));
})();
