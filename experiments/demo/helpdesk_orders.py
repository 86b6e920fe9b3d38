"""Helpdesk topics: orders, deliveries, returns and refunds."""

from experiments.demo.helpdesk_topic import FollowUp, Slip, Tool, Topic

TOPICS = (
    Topic(
        "where-is-my-parcel",
        "shipping",
        "Tracking a parcel",
        "Tracking shows the last scan. When a parcel has not been scanned for five working days we open a search with "
        "the parcel service; it takes up to eight working days. After that we send a replacement or refund the order.",
        (
            "Where is my parcel? Tracking {tracking} is stuck since {weekday}.",
            "Order {order} should have been here on {date}. Can you see where it is?",
            "my package hasnt moved in days, tracking number {tracking}",
            "Hi, the {item} I ordered still hasn't arrived and the tracking page shows nothing new. Order {order}.",
        ),
        (
            "I'm sorry for the wait. Your parcel {tracking} was last scanned at the {hub} hub on {weekday}. If there "
            "is "
            "no new scan within five working days, we open a search with the parcel service, which takes up to eight "
            "working days. Shall I write to you as soon as it moves?",
            "Thank you for your patience! Order {order} is at the {hub} hub; the last scan was on {weekday}. We "
            "start a "
            "search when nothing has been scanned for five working days, and replace or refund the order if it stays "
            "lost.",
        ),
        ("Last scan {weekday}, {hub} hub. Wait five working days without a scan, then a search is opened.",),
        "a search is opened after five working days without a scan",
        (
            Slip(
                "Good news: your parcel is out for delivery and arrives tomorrow before 12:00.",
                "The tool's result shows the last scan at the {hub} hub on {weekday}; no delivery for tomorrow is "
                "known. "
                "The date is invented.",
                invented=True,
            ),
            Slip(
                "I can see that parcel {tracking} is lost. I have sent a replacement today, it arrives in two days.",
                "The article asks for five working days without a scan and a search before a replacement is sent. "
                "Nothing in the trace shows a replacement.",
            ),
        ),
        (
            FollowUp(
                ("How long does such a search take?", "and if you start a search, how long do I wait?"),
                "The parcel service has up to eight working days. We keep you posted by e-mail, and if the parcel is "
                "not "
                "found you choose between a replacement and your money back.",
                "Up to eight working days.",
                "a search takes up to eight working days",
                Slip(
                    "A search usually takes 24 hours.",
                    "The article says up to eight working days, the answer promises 24 hours.",
                ),
            ),
            FollowUp(
                ("I need it for {weekday}. Can I get the money back instead?", "I'd rather have a refund now."),
                "I understand. While the parcel is on its way I cannot refund it yet; once the search has ended "
                "without "
                "a result we refund {amount} to your payment method at once.",
                "Not before the search has ended.",
                "a refund is possible once the search has ended",
                Slip(
                    "Of course, I have refunded {amount} just now.",
                    "No refund was made in this trace, and the article allows one only after the search.",
                    invented=True,
                ),
            ),
        ),
        Tool(
            "track_parcel",
            {"tracking_number": "{tracking}"},
            {
                "tracking_number": "{tracking}",
                "status": "in_transit",
                "last_scan": {"hub": "{hub}", "day": "{weekday}"},
            },
        ),
        solved=0.72,
        weight=2.2,
    ),
    Topic(
        "change-address",
        "shipping",
        "Changing the delivery address",
        "The address can be changed while the order is being packed, under Account > Orders. After the parcel has left "
        "the warehouse only the parcel service can redirect it, from its tracking page, within the same country.",
        (
            "Can I change the delivery address after it shipped? Order {order}.",
            "I moved last week and order {order} goes to my old flat. What can I do?",
            "wrong address on my order {order}!! please change it",
        ),
        (
            "Once a parcel has left our warehouse the address can only be changed with the parcel service: open the "
            "tracking page of {tracking} and choose 'redirect'. It has to stay within the same country.",
            "I checked order {order}: it left our warehouse on {weekday}. You can still redirect it yourself on the "
            "parcel service's tracking page ({tracking}), to any address in the same country.",
        ),
        ("Already shipped. Redirect it on the tracking page.",),
        "a parcel that has left can only be redirected with the parcel service",
        (
            Slip(
                "No problem, I have changed the address of order {order} for you. It arrives on {date}.",
                "The order had already shipped, and no tool that changes an address was called. The change is "
                "invented.",
                invented=True,
            ),
            Slip(
                "Please open Account > Orders and edit the address there, that works until the parcel is delivered.",
                "Under Account > Orders the address can be changed only while the order is being packed.",
            ),
        ),
        (
            FollowUp(
                ("Could it go to my sister in Austria instead?", "Can you redirect it to another country?"),
                "That is not possible, I'm sorry: a parcel under way can only be redirected within the country it was "
                "sent to. You could refuse it and order again to the new address.",
                "No, same country only.",
                "a redirection has to stay within the same country",
                Slip(
                    "Yes, redirecting abroad works, it only costs 4.90 more.",
                    "The article limits redirection to the same country, and names no such fee.",
                ),
            ),
        ),
        Tool("order_lookup", {"order": "{order}"}, {"order": "{order}", "state": "shipped", "tracking": "{tracking}"}),
        solved=0.85,
    ),
    Topic(
        "delivery-abroad",
        "shipping",
        "Where we deliver, and what it costs",
        "We deliver to all countries of the European Union and to Norway. Switzerland and the United Kingdom are not "
        "part of our delivery area. Delivery is free from 59.00; below that it costs 4.90, abroad 9.90.",
        (
            "Do you ship to Switzerland?",
            "I'd like to send the {item} to a friend in {country}. How much is delivery?",
            "What does shipping to {country} cost?",
        ),
        (
            "We deliver to every country of the European Union and to Norway. Delivery abroad costs 9.90. "
            "Switzerland and "
            "the United Kingdom are not part of our delivery area at present, I'm sorry.",
            "Happy to help! Within the European Union and to Norway delivery costs 9.90. We do not deliver to "
            "Switzerland "
            "or the United Kingdom.",
        ),
        ("EU and Norway only. 9.90.",),
        "delivery abroad costs 9.90 and covers the European Union and Norway",
        (
            Slip(
                "Yes! Switzerland is part of our delivery area, duties included.",
                "The article says that Switzerland is not part of the delivery area; duties are not mentioned at all.",
            ),
            Slip(
                "Delivery to {country} is free from 59.00, like everywhere.",
                "Free delivery from 59.00 holds at home; abroad the article names 9.90.",
            ),
        ),
        solved=0.95,
    ),
    Topic(
        "return-no-receipt",
        "returns",
        "Returns and gifts",
        "Everything may be returned within 30 days of delivery, unused and in its packing. A receipt is not needed: "
        "the "
        "order number or the e-mail address of whoever ordered is enough. Gifts are refunded as a voucher.",
        (
            "How do I return a gift without the receipt?",
            "I got the {item} as a present and don't like it. Can I bring it back?",
            "Return without receipt possible?",
        ),
        (
            "No problem! With the order number or the giver's e-mail address we can find the purchase, a receipt is "
            "not "
            "needed. Please send it back unused within 30 days of delivery; gifts are refunded as a voucher.",
            "That's easily done. Tell me the order number or the e-mail address it was ordered with, and I'll send "
            "you a "
            "return label. Since it is a gift you get a voucher for its full price.",
        ),
        ("Order number or giver's e-mail. 30 days. You get a voucher.",),
        "the order number or the giver's e-mail is enough and gifts are refunded as a voucher",
        (
            Slip(
                "Without a receipt a return is unfortunately not possible.",
                "The article says that a receipt is not needed. A customer is turned away who may return the gift.",
            ),
            Slip(
                "Sure! The money goes back to your own bank account within two days, just send me the IBAN.",
                "Gifts are refunded as a voucher, not to the bank account of the person who received it.",
            ),
        ),
        (
            FollowUp(
                ("How long have I got? It was given to me {days} days ago.", "Until when?"),
                "30 days from the day it was delivered to the person who ordered it. I'd gladly look up the exact day "
                "if you tell me the order number.",
                "30 days after delivery.",
                "returns are open for 30 days from delivery",
                Slip(
                    "You have 90 days for gifts.",
                    "The article gives 30 days for everything; 90 days are invented.",
                    invented=True,
                ),
            ),
        ),
        weight=1.2,
    ),
    Topic(
        "refund-missing",
        "returns",
        "When refunds arrive",
        "We refund within two working days after the return has been checked. Cards show it five to seven working days "
        "later, bank transfers after three, PayLater purchases with the next invoice.",
        (
            "Refund for order {order} still missing after {days} days",
            "I sent the {item} back two weeks ago, where is my money?",
            "When do I get my {amount} back? Order {order}",
            "Still no refund!!! This is the second time I write about order {order}.",
        ),
        (
            "I have checked: the refund of {amount} for order {order} was issued on {date}. With a card it takes "
            "five to "
            "seven working days until it shows, so please give it until the end of next week.",
            "I'm sorry that you had to ask again. Your return was checked on {weekday} and {amount} were refunded to "
            "your "
            "card on {date}. Banks need five to seven working days to show it.",
        ),
        ("Issued on {date}. Cards take five to seven working days.",),
        "the refund was issued on {date} and cards need five to seven working days",
        (
            Slip(
                "The refund of {amount} was issued on {wrong_date} and must have arrived already. Please ask your "
                "bank.",
                "The tool's result gives {date}; {wrong_date} appears nowhere. The answer invents a refund date and "
                "sends "
                "the customer to the bank.",
                invented=True,
            ),
            Slip(
                "Refunds take up to 30 days, please be patient.",
                "The article says two working days after the check, and five to seven more for cards.",
            ),
        ),
        (
            FollowUp(
                ("Which account does it go to? My card was replaced.", "I have a new card since. What now?"),
                "It goes to the card you paid with. When a card has been replaced, your bank passes the money on to "
                "the "
                "new one; if it does not arrive within seven working days, write to us and we look for it together.",
                "To the old card. The bank forwards it.",
                "a refund goes to the payment method used",
                Slip(
                    "I have switched the refund to your new card.",
                    "No tool can change the target of a refund and none was called.",
                    invented=True,
                ),
            ),
        ),
        Tool(
            "refund_status",
            {"order": "{order}"},
            {"order": "{order}", "refund": {"amount": "{amount}", "issued": "{date}", "method": "card"}},
        ),
        solved=0.8,
        weight=1.9,
    ),
    Topic(
        "items-missing",
        "orders",
        "Orders in several parcels",
        "Large orders are sent in several parcels, each with its own tracking number. The order page shows which "
        "item is "
        "in which parcel. If an item is missing from a parcel that has arrived, we send it again at no cost.",
        (
            "Two items of my order are missing. Order {order}",
            "There was only the {item} in the box, the rest isn't there. Order number {order}.",
            "Half of order {order} did not arrive",
        ),
        (
            "I'm sorry for the worry! Order {order} was sent in two parcels; the second one, {tracking}, is at the "
            "{hub} "
            "hub and should reach you within two working days.",
            "Your order {order} travels in two parcels. The first has been delivered, the second ({tracking}) is still "
            "under way. Should anything be missing from it, we send it again at no cost.",
        ),
        ("Two parcels. The second is {tracking}.",),
        "the order was sent in two parcels and the second is still under way",
        (
            Slip(
                "The missing items are out of stock, so I have cancelled them and refunded the difference.",
                "The order look-up shows a second parcel under way. Nothing is out of stock and nothing was cancelled.",
                invented=True,
            ),
            Slip(
                "Please order the missing items again, we cannot send them twice.",
                "The article says that missing items are sent again at no cost.",
            ),
        ),
        tool=Tool(
            "order_lookup",
            {"order": "{order}"},
            {
                "order": "{order}",
                "parcels": [{"state": "delivered"}, {"state": "in_transit", "tracking": "{tracking}"}],
            },
        ),
        solved=0.84,
    ),
    Topic(
        "cancel-order",
        "orders",
        "Cancelling an order",
        "An order can be cancelled free of charge until it is packed, usually within three hours. After that it can be "
        "refused at the door or returned within 30 days.",
        (
            "Please cancel order {order}",
            "I ordered the {item} twice by mistake, cancel one of them please (order {order})",
            "Can I still cancel? I placed the order an hour ago.",
        ),
        (
            "Done: order {order} had not been packed yet, so I could cancel it. You will not be charged, and a "
            "confirmation is on its way to your inbox.",
            "You're just in time. I have cancelled order {order}; nothing has been charged. Is there anything else I "
            "can "
            "do for you?",
        ),
        ("Cancelled.",),
        "an order can be cancelled until it is packed",
        (
            Slip(
                "Order {order} can only be returned after delivery, cancelling is not possible.",
                "The order was not packed yet, and the article allows to cancel free of charge until then.",
            ),
            Slip(
                "I have cancelled order {order}. A cancellation fee of 5.00 will be kept.",
                "Cancelling is free of charge by the article; the fee is invented.",
                invented=True,
            ),
        ),
        tool=Tool("cancel_order", {"order": "{order}"}, {"order": "{order}", "cancelled": True, "charged": "0.00"}),
        solved=0.94,
        weight=1.3,
    ),
)
