"""Who runs candidates: `inline` in the driver's own process, `local` in one process each."""
