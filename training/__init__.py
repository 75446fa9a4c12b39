"""Training and export of the three networks; nothing else imports this package."""
