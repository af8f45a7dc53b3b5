"""``python -m actgate.cli``: the same as ``actgate``, where the scripts are not on the PATH."""

import sys

from actgate.cli.main import main

sys.exit(main())
