"""A gate as a JUnit file, which every CI system shows: one test case a check. Pure."""

from xml.etree import ElementTree

from experiments.models import Gate


def junit_xml(gate: Gate) -> bytes:
    """What fails is a failure, what cannot be told an error: neither is green."""
    outcomes = [check["outcome"] for check in gate.checks]
    suite = ElementTree.Element(
        "testsuite", name=f"{gate.experiment.slug} against {gate.baseline_slug}", tests=str(len(outcomes)),
        failures=str(outcomes.count("fail")), errors=str(outcomes.count("inconclusive")),
        timestamp=f"{gate.created_at:%Y-%m-%dT%H:%M:%S}",
    )  # fmt: skip
    for check in gate.checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"gate.{_plain(gate.experiment.slug)}", name=_plain(check["asked"])
        )
        words = _plain(check["words"])
        if check["outcome"] == "pass":
            ElementTree.SubElement(case, "system-out").text = words
        else:
            tag = "failure" if check["outcome"] == "fail" else "error"
            ElementTree.SubElement(case, tag, message=words, type=check["outcome"]).text = f"{check['title']}: {words}"
    if gate.warnings:
        ElementTree.SubElement(suite, "system-out").text = "\n".join(map(_plain, gate.warnings))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _plain(text: str) -> str:
    """XML has no control characters."""
    return "".join(char if char.isprintable() else " " for char in text)
