"""The release gate: an experiment against its baseline under stated conditions. It passes, fails or cannot tell."""
