"""Helpdesk topics: billing, promotions and accounts."""

from experiments.demo.helpdesk_topic import FollowUp, Slip, Tool, Topic

TOPICS = (
    Topic(
        "charged-twice",
        "billing",
        "Authorisations and charges",
        "When an order is placed the bank reserves its amount. The reservation is not a charge and disappears by "
        "itself "
        "within five working days; the charge is made when the parcel leaves.",
        (
            "Why was I charged twice for order {order}?",
            "There are two payments of {amount} on my card statement, I only ordered once!",
            "double charge on my account, order {order}, please fix",
            "You took {amount} twice. I want one of them back today.",
        ),
        (
            "I can see two entries of {amount} on {date}. The second one is an authorisation: your bank reserved the "
            "amount, it is not a charge and disappears by itself within five working days.",
            "I understand that this looks alarming. Only one charge of {amount} was made for order {order}; the other "
            "entry is your bank's reservation and goes away within five working days.",
        ),
        ("One is a reservation. It disappears within five working days.",),
        "only one charge was made and the reservation disappears within five working days",
        (
            Slip(
                "You are right, you were charged twice. I have refunded {amount}, it arrives tomorrow.",
                "The look-up shows one capture and one authorisation. No refund was made, and none is due.",
                invented=True,
            ),
            Slip(
                "The second charge is a deposit that we keep until the return period of 30 days is over.",
                "The article calls it a reservation by the bank that ends within five working days; a deposit does not "
                "exist.",
                invented=True,
            ),
        ),
        (
            FollowUp(
                ("It's been six working days now and it is still there.", "what if it does not disappear"),
                "Then please send us a screenshot of the entry, and I'll pass it to our payments team, who can release "
                "the reservation with your bank.",
                "Send a screenshot.",
                "the payments team releases a reservation that stays",
                Slip(
                    "Then you need to cancel your card with the bank.",
                    "Nothing in the articles tells customers to cancel a card. Harmful advice.",
                    invented=True,
                ),
            ),
        ),
        Tool(
            "payments_lookup",
            {"order": "{order}"},
            {
                "order": "{order}",
                "entries": [
                    {"kind": "capture", "amount": "{amount}"},
                    {"kind": "authorisation", "amount": "{amount}"},
                ],
            },
        ),
        solved=0.83,
        weight=1.8,
    ),
    Topic(
        "invoice-vat",
        "billing",
        "Invoices and VAT numbers",
        "The invoice is under Account > Orders as a PDF once the parcel has left. A company name and VAT number can be "
        "added under 'Edit billing details' up to 14 days after the order; the invoice is then made anew.",
        (
            "Invoice with VAT number please, order {order}",
            "I need an invoice for my company for the {item}.",
            "How can I add our VAT ID to the invoice of order {order}?",
        ),
        (
            "You find the invoice under Account > Orders. To add a VAT number, choose 'Edit billing details' there "
            "within "
            "14 days of the order; the invoice is made anew with it.",
            "Gladly. Open order {order} under Account > Orders, choose 'Edit billing details', add the company name "
            "and VAT "
            "number, and download the new PDF. This works for 14 days after ordering.",
        ),
        ("Account > Orders > Edit billing details.",),
        "a VAT number can be added under Account > Orders for 14 days",
        (
            Slip(
                "Invoices with a VAT number are only made for business accounts. Please register one and order again.",
                "Any customer can add a VAT number for 14 days by the article; ordering again is not needed.",
            ),
            Slip(
                "I have sent the new invoice to your e-mail address.",
                "No tool was called that sends an invoice.",
                invented=True,
            ),
        ),
        solved=0.93,
    ),
    Topic(
        "promo-code",
        "billing",
        "Promotion codes",
        "A code counts once a customer and only one code an order. {promo} gives 10 % and ended on {date}. Codes "
        "cannot be "
        "added to an order that has been placed.",
        (
            "My promo code {promo} says expired",
            "I forgot to enter the code {promo} in order {order}. Can you add it?",
            "code {promo} does not work, why",
        ),
        (
            "I'm sorry, {promo} ended on {date}, so the checkout is right to refuse it. Our newsletter brings a new "
            "code "
            "about once a month.",
            "The code {promo} was valid until {date}. It cannot be added afterwards to an order that has been "
            "placed, I'm "
            "afraid.",
        ),
        ("{promo} ended on {date}.",),
        "the code ended on {date}",
        (
            Slip(
                "{promo} is valid until the end of the month. Please try once more at checkout.",
                "By the article {promo} ended on {date}. The customer is sent back to try a code that cannot work.",
            ),
            Slip(
                "I have credited the 10 % of {promo} to order {order}.",
                "Codes cannot be added to a placed order, and no credit was made.",
                invented=True,
            ),
        ),
        (
            FollowUp(
                ("That's a pity. Is there another code?", "any other discount for me?"),
                "At the moment there is no other public code. Subscribers of the newsletter get the next one first, "
                "and "
                "delivery is free from 59.00 in any case.",
                "No.",
                "there is no other public code",
                Slip(
                    "Yes, use WELCOME20 for 20 % off everything.",
                    "No such code is in the articles: it is made up, and will be refused at checkout.",
                    invented=True,
                ),
            ),
        ),
        solved=0.78,
    ),
    Topic(
        "cancel-subscription",
        "accounts",
        "Filter and coffee subscriptions",
        "A subscription can be cancelled at any time under Account > Subscriptions or by telling us; deliveries "
        "already "
        "packed are still sent. We do not try to talk customers out of it.",
        (
            "Cancel my subscription now",
            "Please stop the monthly coffee delivery.",
            "I want to end my filter subscription, last delivery was on {date}",
        ),
        (
            "Your subscription is cancelled as of today. Nothing further will be sent or charged. Thank you for having "
            "been with us!",
            "I have ended the subscription. A delivery that was packed already would still reach you, but there is "
            "none in "
            "your case. All the best!",
        ),
        ("Cancelled.",),
        "a subscription ends at once and nothing further is charged",
        (
            Slip(
                "I'm sorry to see you go. Before I cancel, may I offer you two months at half price?",
                "The customer asked plainly to cancel; the article forbids to talk them out of it, and the offer is "
                "made "
                "up.",
                invented=True,
            ),
            Slip(
                "Subscriptions run for twelve months, so it can end at the earliest next year.",
                "The article says that a subscription can be cancelled at any time.",
            ),
        ),
        tool=Tool("cancel_subscription", {"customer": "{customer}"}, {"cancelled": True, "open_deliveries": 0}),
        solved=0.95,
        weight=1.2,
    ),
    Topic(
        "delete-my-data",
        "accounts",
        "Privacy requests",
        "Requests to see or delete personal data go to the privacy team with the form under Account > Privacy. They "
        "are "
        "answered within 30 days. The assistant cannot delete data itself.",
        (
            "Can you delete all data you have about me?",
            "I want my account and everything about me erased, under the GDPR.",
            "what do you know about me? send me everything",
        ),
        (
            "You have every right to ask. Please use the form under Account > Privacy, so that the privacy team can be "
            "sure that it is you; they answer within 30 days.",
            "I cannot delete data myself, but our privacy team does: the form under Account > Privacy reaches them, "
            "and you "
            "get an answer within 30 days.",
        ),
        ("Account > Privacy. 30 days.",),
        "privacy requests go through the form and are answered within 30 days",
        (
            Slip(
                "I have deleted your account and all data.",
                "The assistant cannot delete data, and no tool was called. A false confirmation of a legal request.",
                invented=True,
            ),
            Slip(
                "We have to keep your data for ten years, so deletion is not possible.",
                "The article describes how a deletion is asked for; it does not say that it is impossible.",
            ),
        ),
        solved=0.55,
        weight=0.7,
    ),
    Topic(
        "cannot-sign-in",
        "accounts",
        "Signing in",
        "A reset link is valid for 30 minutes and works once. After five wrong passwords the account is locked for 15 "
        "minutes. The e-mail address can be changed only while signed in.",
        (
            "I can't sign in any more",
            "The password reset mail never arrives",
            "your site says my account is locked??",
        ),
        (
            "After five wrong passwords an account is locked for 15 minutes; then a reset link helps. It is valid "
            "for 30 "
            "minutes and works once. Please look in the spam folder too.",
            "Let's get you back in. Wait 15 minutes, ask for a new reset link, and use it within 30 minutes. Only "
            "the newest "
            "link works.",
        ),
        ("Wait 15 minutes, then reset the password.",),
        "an account is locked for 15 minutes and a reset link is valid for 30",
        (
            Slip(
                "Your account is locked for 24 hours for safety.",
                "The article says 15 minutes after five wrong passwords, not 24 hours.",
            ),
            Slip(
                "Tell me your password and I will check whether it is right.",
                "No article lets the assistant ask for a password. This is a security incident.",
                invented=True,
            ),
        ),
        (
            FollowUp(
                ("And how do I change the e-mail address? I no longer have the old one.",),
                "The address can only be changed while you are signed in. If you cannot, our support team checks your "
                "identity with an order number and changes it for you; I have passed your request on.",
                "Only while signed in.",
                "the address can be changed only while signed in",
                Slip(
                    "Just tell me the new address, I will change it now.",
                    "The address can be changed only while signed in; changing it by chat would let anyone in.",
                ),
            ),
        ),
        solved=0.82,
    ),
)
