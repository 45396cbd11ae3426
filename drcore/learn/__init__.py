"""What a finished run teaches: its postmortem, how it differs from another."""
