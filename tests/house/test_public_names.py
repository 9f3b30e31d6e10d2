"""`import vary` shows exactly the public names, imports nothing else and starts no thread."""

import json
import subprocess
import sys
from typing import Any

SEEN = """
import json, os, sys, threading
import numpy  # its BLAS may own threads
tasks = "/proc/self/task"
def threads(): return threading.active_count(), len(os.listdir(tasks)) if os.path.isdir(tasks) else 0
before = threads()
import vary
first = sorted(name for name in sys.modules if name.startswith("vary"))
broken = [name for name in vary.__all__ if not hasattr(vary, name)]  # imports all of them
after, loaded = threads(), sorted({name.split(".")[0] for name in sys.modules})
module = type(sys)
visible = [name for name in dir(vary) if not name.startswith("_")]
visible = [name for name in visible if name in vary.__all__ or not isinstance(getattr(vary, name), module)]
seen = dict(first=first, all=list(vary.__all__), visible=visible, broken=broken, loaded=loaded, threads=[before, after])
print(json.dumps(seen))
"""


def imported() -> dict[str, Any]:
    run = subprocess.run([sys.executable, "-W", "error", "-c", SEEN], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def test_all_is_what_is_visible() -> None:
    seen = imported()
    assert seen["all"] == sorted(set(seen["all"])), "__all__ is sorted and names nothing twice"
    assert not seen["broken"]
    assert [name for name in seen["all"] if not name.startswith("_")] == sorted(seen["visible"])


def test_importing_is_light() -> None:
    seen = imported()
    assert seen["first"] == ["vary"], "names are imported when they are used"
    before, after = seen["threads"]
    assert before == after, "importing vary started a thread"
    heavy = {"PIL", "yaml", "rich", "scipy", "cv2", "skimage", "torch", "tensorflow", "keras", "jax", "ray"}
    assert not heavy & set(seen["loaded"])
