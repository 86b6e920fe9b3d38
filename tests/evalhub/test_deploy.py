"""The compose file says true things: no container is started here, but what it would run and set exists."""

import re
import shlex

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.test_readme import README, named, section

FOLDER = settings.BASE_DIR / "evalhub" / "deploy"
COMPOSE = (FOLDER / "compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "evalhub"}
OF_THE_FILE_ITSELF = {"POSTGRES_PASSWORD", "PORT"}


def words(service: str) -> list[str]:
    return shlex.split(SERVICES[service]["command"])


def test_web_workers_sweeper_and_servers_are_apart():
    assert set(OURS) == {"migrate", "web", "online", "worker", "bulk", "sweeper"}
    assert set(SERVICES) - set(OURS) == {"postgres", "redis"}


@pytest.mark.parametrize("name", sorted(set(OURS) - {"web"}))
def test_every_container_runs_a_command_that_there_is(name):
    assert words(name)[:2] == ["python", "manage.py"] and words(name)[2] in get_commands()


def test_the_web_server_is_started_as_the_readme_has_it():
    production = README.replace("\\\n", " ")
    assert " ".join(words("web")) in re.sub(r" +", " ", production)


def test_the_workers_look_behind_every_door_and_one_waits_for_new_records_alone():
    queues = {
        name: [word for word in words(name)[3:] if not word.startswith("--") and not word.isdigit()]
        for name in OURS
        if "rqworker" in words(name)
    }
    assert queues["online"] == ["online"]
    assert {queue for some in queues.values() for queue in some} == set(settings.RQ_QUEUES)


def test_it_sets_and_asks_for_settings_that_are_read():
    known = named(section("Settings"))
    asked = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)) - OF_THE_FILE_ITSELF
    given = {name for service in OURS.values() for name in service["environment"]}
    example = set(re.findall(r"^#?([A-Z_]+)=", (FOLDER / "example.env").read_text(), re.MULTILINE))
    assert asked | given | (example - OF_THE_FILE_ITSELF) <= known
    assert asked <= given and all(service["env_file"] == ".env" for service in OURS.values())
    secrets = {"SECRET_KEY", "POSTGRES_PASSWORD"}
    assert secrets <= example and all(f"${{{name}:?" in COMPOSE for name in secrets), "nothing starts without"


def test_the_database_is_migrated_once_before_anything_of_ours_starts():
    assert words("migrate")[2] == "migrate"
    assert OURS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in set(OURS) - {"migrate"}:
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}, name


def test_what_is_to_be_kept_is_on_volumes_and_what_is_waited_for_has_a_health_check():
    kept = yaml.safe_load(COMPOSE)["volumes"]
    assert {volume.split(":")[0] for name in ("postgres", "redis") for volume in SERVICES[name]["volumes"]} == set(kept)
    assert all("healthcheck" in SERVICES[name] for name in ("postgres", "redis", "web"))
    assert all(SERVICES[name]["restart"] == "unless-stopped" for name in set(SERVICES) - {"migrate"})


def test_the_image_holds_all_that_runs():
    copied = re.findall(r"^COPY (\S+) (\S+)", (FOLDER / "Containerfile").read_text(), re.MULTILINE)
    assert all((settings.BASE_DIR / name).exists() for name, _ in copied)
    apps = {app.split(".")[0] for app in settings.INSTALLED_APPS if (settings.BASE_DIR / app.split(".")[0]).is_dir()}
    assert apps | {"manage.py", "templates", "static", "requirements.lock"} == {name for name, _ in copied}
