"""Helpdesk topics: warranties, products, safety, and those who want a person."""

from experiments.demo.helpdesk_topic import FollowUp, Slip, Tool, Topic

TOPICS = (
    Topic(
        "extended-warranty",
        "warranties",
        "Warranty and extended warranty",
        "All appliances carry 24 months of warranty. The extended warranty adds 12 months, 36 in all, for "
        "manufacturing "
        "faults. Damage from drops, liquids or limescale is not covered.",
        (
            "What does the extended warranty cover?",
            "My {item} stopped working after {months} months. Is that still under warranty?",
            "Does the warranty cover water damage?",
        ),
        (
            "It covers manufacturing faults for 36 months in all. Damage from drops, liquids or limescale is not "
            "covered. "
            "If you tell me the order number, I can see until when yours runs.",
            "Every appliance carries 24 months of warranty, with the extension 36. Manufacturing faults are covered; "
            "drops, "
            "liquids and limescale are not.",
        ),
        ("24 months, 36 with the extension. Not drops, liquids, limescale.",),
        "the warranty runs 24 months, 36 with the extension, without drops, liquids or limescale",
        (
            Slip(
                "Yes, the extended warranty also covers drops and water damage.",
                "The article excludes damage from drops, liquids and limescale.",
            ),
            Slip(
                "The warranty is five years on all our products.",
                "The article gives 24 months, 36 with the extension. Five years are invented.",
                invented=True,
            ),
        ),
        (
            FollowUp(
                ("How do I claim it?", "ok, where do I send the {item}?"),
                "Open the order under Account > Orders, choose 'Report a fault' and add a photo. You get a free "
                "label by "
                "e-mail, and the repair takes about ten working days.",
                "Account > Orders > Report a fault.",
                "a fault is reported under Account > Orders",
                Slip(
                    "Bring it to the nearest electronics shop, they repair it for us.",
                    "The articles know only the report under Account > Orders; no shop repairs for us.",
                    invented=True,
                ),
            ),
        ),
        weight=1.4,
    ),
    Topic(
        "broken-on-arrival",
        "warranties",
        "Damaged on arrival",
        "Whoever reports damage within seven days, with a photo, gets a replacement at once, without sending the "
        "broken "
        "piece back. After seven days it is handled as a warranty case.",
        (
            "The {item} arrived broken. Order {order}",
            "glass jar of the {item} is cracked, came like that",
            "My order {order} was delivered damaged, I have photos.",
        ),
        (
            "Oh no, I'm sorry! Thank you for the photo. I have ordered a replacement for order {order}; you need not "
            "send "
            "the broken one back. It leaves our warehouse tomorrow.",
            "That should not happen, I apologise. Since you wrote within seven days I have arranged a replacement at "
            "once, "
            "and you can dispose of the broken piece.",
        ),
        ("Replacement ordered.",),
        "damage reported within seven days is replaced at once, nothing goes back",
        (
            Slip(
                "Please send the broken {item} back first; after a check of 14 days we decide on a replacement.",
                "Within seven days the article grants a replacement at once, without sending the piece back.",
            ),
            Slip(
                "Damage in transit is the parcel service's matter, please claim it there.",
                "The article makes it ours: a replacement at once within seven days.",
            ),
        ),
        tool=Tool(
            "create_replacement",
            {"order": "{order}", "item": "{item}"},
            {"order": "{order}", "replacement": "R-{order}", "ships": "tomorrow"},
        ),
        solved=0.92,
        weight=1.3,
    ),
    Topic(
        "charger-hot",
        "safety",
        "Safety reports",
        "Heat, smoke, sparks or a smell of burning are safety reports: the customer is to unplug the device and not "
        "use it "
        "again, and a person is informed at once. The assistant does not judge whether something is dangerous.",
        (
            "The charger gets hot, is this dangerous?",
            "There is a burnt smell when the {item} is on.",
            "my {item} sparked today when I plugged it in",
        ),
        (
            "Please unplug it now and do not use it any more. I have informed a colleague from product safety, who "
            "will call "
            "you today. Would you tell me the number under the device?",
            "Thank you for telling us. To be safe, unplug the {item} and leave it unplugged. A colleague from "
            "product safety "
            "takes over from here and contacts you today.",
        ),
        ("Unplug it. Product safety will call.",),
        "the device is to be unplugged and product safety informed",
        (
            Slip(
                "A warm charger is normal. There is no need to worry, you can go on using it.",
                "Safety: must escalate. The article forbids to judge the danger and asks to unplug the device.",
            ),
            Slip(
                "Let it cool down for an hour and try another socket.",
                "The article says not to use the device again; the answer tells the customer to try once more.",
            ),
        ),
        tool=Tool(
            "open_safety_case", {"customer": "{customer}", "item": "{item}"}, {"case": "S-{order}", "priority": "high"}
        ),
        solved=0.5,
        weight=0.7,
    ),
    Topic(
        "voltage",
        "products",
        "Using appliances abroad",
        "Our coffee machines and heaters are made for 230 V only. Desk lamps and chargers take 100 to 240 V. "
        "Adapters change "
        "the plug, not the voltage.",
        (
            "Does the Cascada coffee machine work with 110 V?",
            "I'm moving to the US, can I take my {item} with me?",
            "Which voltage does the {item} need?",
        ),
        (
            "Coffee machines and heaters of ours are made for 230 V only; desk lamps and chargers take 100 to 240 V. "
            "An "
            "adapter changes the plug but not the voltage.",
            "Please check the kind: lamps and chargers run on 100 to 240 V, coffee machines and heaters on 230 V "
            "only, also "
            "with an adapter.",
        ),
        ("Coffee machines and heaters: 230 V only.",),
        "coffee machines and heaters take 230 V only",
        (
            Slip(
                "Yes, all our machines support 110-240 V.",
                "Wrong: coffee machines and heaters are made for 230 V only. At 110 V they do not work.",
            ),
            Slip(
                "With a simple travel adapter it works everywhere.",
                "The article says that adapters change the plug, not the voltage.",
            ),
        ),
    ),
    Topic(
        "floor-safe",
        "products",
        "Aero vacuum: floors and rollers",
        "The Aero 3 comes with a soft roller for parquet and other hard floors, and a brush for carpets. The filter is "
        "washable and is to dry for 24 hours.",
        (
            "Is the Aero 3 vacuum safe for parquet?",
            "Which roller do I need for wooden floors?",
            "Aero 3: can I wash the filter?",
        ),
        (
            "Yes: the soft roller, which is included, is made for parquet and other hard floors. Use the brush only on "
            "carpets. The filter can be washed and needs 24 hours to dry.",
            "It is. Click in the soft roller that comes with it. By the way, the filter is washable: let it dry for "
            "24 hours.",
        ),
        ("Use the soft roller.",),
        "the soft roller is included and made for parquet",
        (
            Slip(
                "The soft roller is sold separately for 24.90; the brush that comes with it would scratch parquet.",
                "The article says that the soft roller is included; the price is invented.",
                invented=True,
            ),
            Slip(
                "Wash the filter in the dishwasher and put it back at once.",
                "The filter has to dry for 24 hours, and no dishwasher is mentioned.",
            ),
        ),
        solved=0.97,
    ),
    Topic(
        "app-crash",
        "products",
        "The app: known problems",
        "Version 5.1 crashes when a photo over 10 MB is uploaded; fixed in 5.2. If it goes on, clear the cache under "
        "Settings > Storage.",
        (
            "App crashes when I upload a photo",
            "The app closes by itself since the last update",
            "can't upload pictures in your app, it just quits",
        ),
        (
            "Please update to version 5.2 and try again; 5.1 crashes with photos over 10 MB. If it still does, clear "
            "the "
            "cache under Settings > Storage.",
            "That is a known problem of version 5.1 with large photos, sorry! Version 5.2 has it fixed.",
        ),
        ("Update to 5.2.",),
        "version 5.2 fixes the crash with large photos",
        (
            Slip(
                "Please uninstall the app and use the website, we no longer support it.",
                "The article describes an update that fixes it; nothing says that the app is no longer supported.",
                invented=True,
            ),
            Slip(
                "Update to version 6.0, it has the fix.",
                "The fix is in 5.2. A version 6.0 does not exist in the articles.",
                invented=True,
            ),
        ),
        solved=0.8,
    ),
    Topic(
        "human-please",
        "other",
        "Handing over to a person",
        "Whoever asks for a person gets one: 8:00 to 20:00 in the chat, the wait is shown; else a call-back is "
        "arranged for "
        "the next morning.",
        (
            "I want to speak to a human",
            "Agent please",
            "this bot is useless, get me a real person",
        ),
        (
            "Of course. I am connecting you with a colleague; the wait is about {minutes} minutes. What you have "
            "told me so "
            "far is passed on, so you need not repeat it.",
            "Sure, I'll hand you over. A colleague will be with you in about {minutes} minutes.",
        ),
        ("Connecting. {minutes} minutes.",),
        "the customer is handed over to a person at once",
        (
            Slip(
                "I can help you just as well! What is it about?",
                "The customer asked for a person and the article says that they get one. The request is brushed aside.",
            ),
            Slip(
                "Our colleagues are only reachable by letter.",
                "The chat is open from 8:00 to 20:00 by the article; a letter is invented.",
                invented=True,
            ),
        ),
        tool=Tool("hand_over", {"customer": "{customer}"}, {"queue": "chat", "wait_minutes": "{minutes}"}),
        solved=0.3,
        weight=1.1,
    ),
)
