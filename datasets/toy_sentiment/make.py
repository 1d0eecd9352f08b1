"""Write toy_sentiment.csv again, from lexicon.json and the default settings of the generator.

    python datasets/toy_sentiment/make.py [folder]

Running it changes nothing unless lexicon.json or ragteach.data.make_toy changed.
"""

import sys
from pathlib import Path

from ragteach.data.files import write_csv
from ragteach.data.toy import make_toy

target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent) / "toy_sentiment.csv"
frame = make_toy()
write_csv(frame, target)
print(f"{len(frame)} sentences in {target.name}")
