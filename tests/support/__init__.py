"""What tests share: waiting on conditions, running kubectl, the option that picks the engine."""
