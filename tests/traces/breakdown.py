"""The lines of the guide that write down pipecat's latency breakdown."""
import json


def write_breakdowns(observer, path, conversation_id):
    """Of a UserBotLatencyObserver of a pipeline with enable_metrics=True."""
    @observer.event_handler("on_latency_breakdown")
    async def write(_, breakdown):
        line = {"conversation_id": conversation_id, **breakdown.model_dump(mode="json")}
        with open(path, "a") as out:
            out.write(json.dumps(line) + "\n")
