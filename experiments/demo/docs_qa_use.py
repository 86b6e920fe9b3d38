"""Docs content: pages of "Driftbox", an invented file sync server, for those who use it."""

from experiments.demo.docs_qa_page import NOT_SAID, Guide, Question

GUIDES = (
    Guide(
        "Share with people outside",
        "A public link gives reading access; 'upload only' lets others put files in without seeing any. Links end "
        "after "
        "`share.link_lifetime` and can be ended at any time. Guests with an account can edit, and count towards the "
        "licence.",
        (
            Question(
                "Can somebody outside edit a file through a public link?",
                "No, a public link only gives reading access; editing needs a guest account.",
                "reading",
                "Yes, choose 'can edit' when you make the link.",
                "A public link gives reading access only; 'can edit' does not exist on the page.",
            ),
            Question(
                "How do I collect files from people without showing them what others sent?",
                "Make an 'upload only' link: others put files in without seeing any.",
                "upload only",
                "Make a folder for each person and send each a public link.",
                "It would work badly and misses the 'upload only' link that the page describes.",
            ),
            Question(
                "Do guests count towards the licence?",
                "Yes, guests with an account count.",
                "Yes",
                "No, guests are free.",
                "The page says that guests with an account count towards the licence.",
            ),
        ),
    ),
    Guide(
        "Resolve conflicts",
        "When two people change a file at the same time, the first upload becomes the file and the second a conflict "
        "copy "
        "beside it, named after its author. Text files under 1 MB are merged when the changes do not touch the same "
        "lines.",
        (
            Question(
                "Two of us changed the same spreadsheet. Whose version counts?",
                "The one uploaded first; the other becomes a conflict copy beside it, named after its author.",
                "first",
                "The newer one; the older is overwritten.",
                "The first upload counts, and nothing is overwritten: the second becomes a conflict copy.",
            ),
            Question(
                "When are changes merged automatically?",
                "In text files under 1 MB, when the changes do not touch the same lines.",
                "1 MB",
                "Always, for all office documents.",
                "Only text files under 1 MB are merged, and only without overlapping lines.",
            ),
            Question(
                "Can I turn conflict copies off?",
                NOT_SAID,
                "does not say",
                "Yes, set sync.conflict_copies to 'off'.",
                "The context names no way to turn them off; the value 'off' is invented.",
            ),
        ),
    ),
    Guide(
        "Limit bandwidth",
        "Clients limit themselves under Preferences > Network, in kilobytes a second, by time of day if wanted. The "
        "server's "
        "`server.rate_limit` counts for each client; local networks are exempt.",
        (
            Question(
                "Can uploads be slower during office hours?",
                "Yes, under Preferences > Network limits can depend on the time of day.",
                "Preferences",
                "No, a limit holds for the whole day.",
                "The page offers limits by time of day.",
            ),
            Question(
                "Does the server's limit hold inside our own network?",
                "No, local networks are exempt.",
                "exempt",
                "Yes, it holds for every connection.",
                "Local networks are exempt.",
            ),
            Question(
                "In which unit is a client's limit given?",
                "In kilobytes a second.",
                "kilobytes",
                "In megabits a second.",
                "The page says kilobytes a second.",
            ),
        ),
    ),
    Guide(
        "The API",
        "Tokens are made under Account > Tokens and carry scopes: read, write, admin. 600 requests a minute are "
        "allowed a "
        "token; beyond that the answer is 429 with Retry-After. Lists have pages of 100.",
        (
            Question(
                "How many requests may a script make?",
                "600 a minute for each token.",
                "600",
                "100 a minute.",
                "100 is the size of a page in lists; the limit is 600 requests a minute.",
            ),
            Question(
                "What does the API answer when I send too much?",
                "429, with Retry-After.",
                "429",
                "503 Service Unavailable.",
                "The page names 429 with Retry-After, not 503.",
            ),
            Question(
                "Is there a GraphQL endpoint?",
                NOT_SAID,
                "does not say",
                "Yes, under /api/graphql.",
                "The context does not mention GraphQL; the path is invented.",
            ),
        ),
    ),
    Guide(
        "Why a file does not sync",
        "The client shows a grey cloud for ignored files, an orange one for files that wait, and a red one for "
        "errors. Names "
        "over 255 bytes, files in use, and those over `upload.max_file_size` do not sync. `driftbox doctor` names "
        "the reason.",
        (
            Question(
                "What does the orange cloud mean?",
                "The file waits to be synced.",
                "waits",
                "The file could not be synced.",
                "Errors are shown in red; orange means that the file waits.",
            ),
            Question(
                "How do I find out why a file is not synced?",
                "Run `driftbox doctor`, it names the reason.",
                "driftbox doctor",
                "Look into the server's log under log.level debug.",
                "The page gives `driftbox doctor`; the log is not mentioned.",
            ),
            Question(
                "How long may a file name be?",
                "255 bytes.",
                "255",
                "1024 characters.",
                "The page says that names over 255 bytes do not sync.",
            ),
        ),
    ),
    Guide(
        "Search",
        "Search finds names at once and contents after indexing, usually within five minutes. Quotation marks find "
        "phrases, a minus "
        "leaves words out, `in:FOLDER` stays inside a folder. Encrypted folders are not indexed.",
        (
            Question(
                "Why does search not find text in my encrypted folder?",
                "Encrypted folders are not indexed.",
                "not indexed",
                "Wait five minutes, then the contents are indexed.",
                "Waiting does not help: encrypted folders are not indexed at all.",
            ),
            Question(
                "How do I search inside one folder only?",
                "Add `in:FOLDER` to the search.",
                "in:FOLDER",
                "Open the folder first, search then looks only there.",
                "The page gives `in:FOLDER`; opening the folder is not mentioned.",
            ),
            Question(
                "How soon are new contents found?",
                "Usually within five minutes; names at once.",
                "five minutes",
                "At once.",
                "Names are found at once, contents only after indexing.",
            ),
        ),
    ),
    Guide(
        "Mobile apps",
        "The apps keep files that are marked 'offline' on the phone and upload photos on Wi-Fi unless told "
        "otherwise. A lost phone is "
        "cut off under Account > Devices: its copies are deleted at the next contact.",
        (
            Question(
                "My phone was stolen. How do I protect my files?",
                "Cut it off under Account > Devices: its copies are deleted at the next contact.",
                "Account > Devices",
                "Change your password, that deletes the files on the phone.",
                "The page gives Account > Devices; a new password deletes nothing.",
            ),
            Question(
                "Are photos uploaded over mobile data?",
                "Not unless you say so: on Wi-Fi by default.",
                "Wi-Fi",
                "Yes, always.",
                "By default photos are uploaded on Wi-Fi only.",
            ),
            Question(
                "Which versions of Android are supported?",
                NOT_SAID,
                "does not say",
                "Android 9 and newer.",
                "No version is named in the context.",
            ),
        ),
    ),
)
