"""The webhook: protocol, judgement, evidence, certificates, start and end."""
