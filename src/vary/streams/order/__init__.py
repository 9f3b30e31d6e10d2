"""Which sample each position of an epoch holds: functions of seed and epoch, without state."""
