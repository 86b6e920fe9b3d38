"""Docs content: pages of "Driftbox", an invented file sync server, for those who run one."""

from experiments.demo.docs_qa_page import NOT_SAID, Guide, Question

GUIDES = (
    Guide(
        "Back up a server",
        "Stop nothing: run `driftbox backup --to DIR`. It takes a consistent snapshot of the database first and copies "
        "new pieces after it. A backup can be continued; unchanged pieces are not copied again. Keys are not part of "
        "it: "
        "keep `keys.json` somewhere else.",
        (
            Question(
                "Do I have to stop the server to make a backup?",
                "No. `driftbox backup` takes a consistent snapshot while the server is running.",
                "No",
                "Yes, stop the server first, otherwise the database may be inconsistent.",
                "The page says to stop nothing: the snapshot is consistent while the server runs.",
            ),
            Question(
                "Are the encryption keys part of a backup?",
                "No, keys are not part of it. Keep keys.json somewhere else.",
                "keys.json",
                "Yes, the backup holds everything that is needed to restore the server, keys included.",
                "The page says that keys are not part of a backup. Somebody who believes this loses all files.",
            ),
            Question(
                "How often should I make a backup?",
                NOT_SAID,
                "does not say",
                "You should make a backup every night at 2:00.",
                "No schedule is named in the context; the recommendation is invented.",
            ),
        ),
    ),
    Guide(
        "Restore files",
        "Users restore deleted files under Trash. Administrators restore a whole folder to a moment with `driftbox "
        "restore "
        "--folder PATH --at TIME`; the present state is kept as a version and nothing is overwritten.",
        (
            Question(
                "How can I bring a folder back to how it was yesterday?",
                "Run `driftbox restore --folder PATH --at TIME` as an administrator; the present state is kept as a "
                "version.",
                "driftbox restore",
                "Open Trash, select the folder and choose 'Yesterday'.",
                "Trash holds deleted files only; a folder at a moment is restored with `driftbox restore`.",
            ),
            Question(
                "Does restoring a folder overwrite the newer files?",
                "No, nothing is overwritten: the present state is kept as a version.",
                "version",
                "Yes, newer files are replaced, so make a copy first.",
                "The page says that nothing is overwritten.",
            ),
            Question(
                "Who may restore a whole folder?",
                "Administrators, with the restore command.",
                "Administrators",
                "Every user who can write to the folder.",
                "Users restore deleted files; a whole folder is restored by administrators.",
            ),
        ),
    ),
    Guide(
        "Move to another machine",
        "Install the same or a newer version on the new machine, copy `storage.path` and `keys.json`, then run "
        "`driftbox "
        "migrate`. Clients find the new machine when its host name stays the same; otherwise users enter it once.",
        (
            Question(
                "Can the new machine run an older version?",
                "No, it needs the same or a newer version.",
                "newer",
                "Yes, versions are compatible in both directions.",
                "The page asks for the same or a newer version.",
            ),
            Question(
                "What has to be copied to the new machine?",
                "The folder of storage.path, and keys.json.",
                "keys.json",
                "Only the folder of storage.path.",
                "keys.json is missing from the answer; without it nothing can be decrypted.",
            ),
            Question(
                "Do users have to set up their clients again?",
                "Not if the host name stays the same; otherwise they enter the new one once.",
                "host name",
                "Yes, every client has to be installed again.",
                "The page says that clients find the machine under the same host name.",
            ),
        ),
    ),
    Guide(
        "Sign in with an identity provider",
        "OpenID Connect is set up under Admin > Sign-in. Groups are read from the claim `groups`. The first sign-in "
        "creates the "
        "user unless `auth.create_users` is false. The local administrator can always sign in with a password.",
        (
            Question(
                "From which claim are groups read?",
                "From the claim `groups`.",
                "groups",
                "From the claim `roles`.",
                "The page names the claim `groups`; `roles` does not appear.",
            ),
            Question(
                "What if the identity provider is down?",
                "The local administrator can always sign in with a password.",
                "password",
                "Nobody can sign in until it is back.",
                "The page says that the local administrator can always sign in with a password.",
            ),
            Question(
                "Is SAML supported?",
                NOT_SAID,
                "does not say",
                "Yes, SAML 2.0 is set up under Admin > Sign-in as well.",
                "The context speaks of OpenID Connect only. That SAML is supported is made up.",
            ),
        ),
    ),
    Guide(
        "Update",
        "Read the notes, then run `driftbox update`. Minor versions may be skipped, major ones not. Clients up to "
        "two major "
        "versions older keep working. The database is migrated at the first start; large ones take about a minute a "
        "million files.",
        (
            Question(
                "May I go from version 3 to version 5 at once?",
                "No, major versions may not be skipped: update to 4 first.",
                "4",
                "Yes, any version can be updated to the newest.",
                "Major versions must not be skipped by the page.",
            ),
            Question(
                "How long does the migration take with 3 million files?",
                "About three minutes: a minute a million files.",
                "three minutes",
                "About three hours.",
                "The page says about a minute a million files, so three minutes.",
            ),
            Question(
                "Do old clients keep working after an update?",
                "Yes, up to two major versions older.",
                "two major",
                "No, all clients have to be updated the same day.",
                "Clients up to two major versions older keep working.",
            ),
        ),
    ),
    Guide(
        "Retention and legal holds",
        "A hold on a folder keeps every version and deleted file until it is lifted, whatever the retention says. "
        "Holds are set by "
        "administrators, are written to the audit log, and their volume does not count towards a user's quota.",
        (
            Question(
                "Are files on hold deleted when the trash retention is over?",
                "No, a hold keeps them until it is lifted, whatever the retention says.",
                "lifted",
                "Yes, the trash is emptied after 30 days in any case.",
                "A hold overrides the retention until it is lifted.",
            ),
            Question(
                "Does a hold use up the user's quota?",
                "No, its volume does not count.",
                "does not count",
                "Yes, all versions count towards the quota.",
                "The page says that a hold's volume does not count towards the quota.",
            ),
            Question(
                "Can a user see that a hold is on their folder?",
                NOT_SAID,
                "does not say",
                "Yes, a lock symbol is shown beside the folder.",
                "Nothing in the context says what users see; the symbol is invented.",
            ),
        ),
    ),
    Guide(
        "Monitor a server",
        "`/metrics` speaks the Prometheus format and needs a token with scope read. `/healthz` answers 200 when the "
        "database and the "
        "storage can be reached, without a token. Watch `driftbox_queue_seconds`: above 60 the server needs more "
        "workers.",
        (
            Question(
                "Which metric shows that I need more workers?",
                "driftbox_queue_seconds, when it is above 60.",
                "driftbox_queue_seconds",
                "driftbox_cpu_percent, when it is above 60.",
                "The page names driftbox_queue_seconds; driftbox_cpu_percent is not there.",
            ),
            Question(
                "Does the health check need a token?",
                "No, /healthz answers without a token.",
                "No",
                "Yes, with scope read.",
                "That is /metrics; /healthz needs no token.",
            ),
            Question(
                "What does /healthz check?",
                "That the database and the storage can be reached.",
                "storage",
                "Only that the web server is running.",
                "It checks the database and the storage too.",
            ),
        ),
    ),
)
