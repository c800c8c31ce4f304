"""JSON as devices and chats send it, the same in every run: what is measured."""

import json
import random

WORDS = """the a of to and in is it that for was on are with as they be at one have this from by hot word but what some
we can out other were all there when up use your how said an each she which do their time if will way about
many then them write would like so these her long make thing see him two has look more day could go come did
number sound no most people my over know water than call first who may down side been now find battery
gateway sensor firmware tonight meeting""".split()


def sensors(rng):
    """Readings of a cellar's sensors: one at a time, or up to 24 that were kept while the network was away."""
    kinds = [("temperature", "C", 18), ("humidity", "%", 40), ("pressure", "hPa", 990), ("battery", "V", 3)]
    at, messages = 1_764_500_000, []
    for i in range(60):
        readings = []
        for _ in range(24 if i % 10 == 9 else 1 + pick(rng, 4)):
            at += 1 + pick(rng, 30)
            name, unit, least = kinds[pick(rng, 4)]
            value = round(least + rng.random() * 12, 2)
            readings.append({"sensor": f"{name}-{pick(rng, 8)}", "value": value, "unit": unit, "ts": at})
        messages.append({"device": "cellar-07", "seq": i, "readings": readings})
    return messages


def ocpp(rng):
    """Calls of a charging station and the answers to them, after OCPP 1.6's JSON: mostly meter values."""
    measurands = [
        ("Energy.Active.Import.Register", "Wh"),
        ("Power.Active.Import", "W"),
        ("Current.Import", "A"),
        ("Voltage", "V"),
        ("Temperature", "Celsius"),
        ("SoC", "Percent"),
    ]
    messages = []
    for i in range(60):
        unique, now = f"{pick(rng, 1 << 32):08x}-{i:04x}", f"2026-11-30T{i // 60 + 9:02}:{i % 60:02}:00.000Z"
        if i % 6 == 0:
            messages += [[2, unique, "Heartbeat", {}], [3, unique, {"currentTime": now}]]
        elif i % 6 == 1:
            status = ["Available", "Preparing", "Charging", "Finishing"][pick(rng, 4)]
            body = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": now}
            messages += [[2, unique, "StatusNotification", body], [3, unique, {}]]
        else:
            sampled = [
                {
                    "value": f"{rng.random() * 23000:.1f}",
                    "context": "Sample.Periodic",
                    "format": "Raw",
                    "measurand": name,
                    "phase": f"L{phase}",
                    "location": "Outlet",
                    "unit": unit,
                }
                for name, unit in measurands[: 2 + pick(rng, 5)]
                for phase in range(1, 4)
            ]
            values = [{"timestamp": now, "sampledValue": sampled}]
            body = {"connectorId": 1, "transactionId": 4711, "meterValue": values}
            messages += [[2, unique, "MeterValues", body], [3, unique, {}]]
    return messages


def chat(rng):
    """Events of a chat: messages, who is there, and now and then a page of the history."""

    def said(i):
        text = " ".join(WORDS[pick(rng, len(WORDS))] for _ in range(4 + pick(rng, 40)))
        user = pick(rng, 12)
        sender = {"id": 1000 + user, "name": f"{WORDS[70 + user]}-{user}", "avatar": f"/avatars/{1000 + user}.webp"}
        unique = f"{pick(rng, 1 << 32):08x}"
        return {"id": unique, "room": "general", "from": sender, "text": text, "at": 1_764_500_000 + i}

    messages = []
    for i in range(60):
        if i % 20 == 19:
            messages.append({"type": "history", "messages": [said(n) for n in range(36)], "more": True})
        elif i % 4 == 3:
            state = ["online", "away"][pick(rng, 2)]
            messages.append({"type": "presence", "user": 1000 + pick(rng, 12), "state": state})
        else:
            messages.append({"type": "message", "message": said(i)})
    return messages


def pick(rng, below):
    # The one method whose numbers Python promises not to change.
    return int(rng.random() * below)


def corpora():
    """The messages of each kind, with what they are."""
    return {
        make.__name__: (
            make.__doc__,
            [json.dumps(message, separators=(",", ":")).encode() for message in make(random.Random(7692))],
        )
        for make in (sensors, ocpp, chat)
    }
