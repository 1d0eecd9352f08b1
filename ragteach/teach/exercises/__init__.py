"""The exercises, a module per lesson: card, hints, reference, and a checker that knows mistakes."""
