"""Import this before nbformat or a notebook server: they then start two seconds earlier.

jsonschema can check international addresses, and gets ready for it when it is imported: another
package builds the grammar of such addresses.  No notebook of ours has one.
"""

import sys

sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # Python's sign for: not installed
