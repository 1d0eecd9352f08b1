"""The exercises, one module per lesson: card, hints, reference, and a checker that knows the
mistakes.
"""
