"""The report that the health page and the sandbox page show."""

from scoring.sandbox import Sandbox, SandboxReport


def test_every_way_out_is_tried_and_closed(sandbox):
    report = sandbox.start()
    assert report.active and report.reasons == []
    assert len(report.tests) == 10 and all(test.passed for test in report.tests)
    assert {"System calls", "Limits", "Files", "Namespaces", "User"} == set(report.walls)


def test_the_report_survives_its_way_through_json(sandbox):
    report = sandbox.start()
    assert SandboxReport.from_json(report.to_json()) == report
    assert SandboxReport.from_json(Sandbox(python="/nowhere").start().to_json()).active is False


def test_starting_twice_tests_once(sandbox):
    assert sandbox.start() is sandbox.start()
