"""How many frames of a video lmms-eval sends twice to a server, by itself and with our guard:
``python -m clamr_select.eval.longvideo.smoke.repeated_pictures``."""

from __future__ import annotations

import base64
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from clamr_select.eval.longvideo.smoke import barcodes

FRAMES = (8, 16, 32, 64)
TIMES = 10
SIZE = {"max_pixels": 256 * 28 * 28}


def repeated(video: Path, *, num_frames: int) -> int:
    """Pictures of one request that show a frame which an earlier one shows."""
    from lmms_eval.protocol import ChatMessages
    from PIL import Image

    messages: list[Any] = [{"role": "user", "content": [{"type": "video", "url": str(video)}]}]
    made = ChatMessages(messages=messages).to_openai_messages(video_kwargs={"nframes": num_frames, **SIZE})
    urls = [block["image_url"]["url"].partition(",")[2] for block in made[0]["content"]]
    numbers = [barcodes.read(np.asarray(Image.open(io.BytesIO(base64.b64decode(url))).convert("RGB"))) for url in urls]
    return len(numbers) - len(set(numbers))


def main() -> None:
    warnings.simplefilter("ignore")
    from clamr_select.integrations.lmms_eval.encoded_images import keep_encoded_images

    with tempfile.TemporaryDirectory() as folder:
        video = barcodes.write_video(Path(folder) / "barcodes.mp4")
        for guarded in (False, True):
            if guarded:
                keep_encoded_images()
            for num_frames in FRAMES:
                counts = sorted(repeated(video, num_frames=num_frames) for _ in range(TIMES))
                how = "with our guard" if guarded else "lmms-eval"
                print(f"{how}: of {num_frames} frames {counts[0]} to {counts[-1]} are sent again, {TIMES} requests")


if __name__ == "__main__":
    main()
