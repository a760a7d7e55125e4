"""The annotation formats of the field, in the order in which they are looked for."""

from __future__ import annotations

from trainables.data.activitynet_json import read_activitynet_json, select_json
from trainables.data.raw_annotations import AnnotationFormat
from trainables.data.refineloc_csv import CSV_COLUMNS, read_csv, select_csv
from trainables.data.thumos14_text import read_thumos14, select_thumos14
from trainables.data.video_label_files import (
    LIST_FILES,
    SEPARATOR,
    read_label_csv,
    read_label_list,
    select_label_csv,
    select_label_list,
)
from trainables.data.wtalc_arrays import REQUIRED_FILES, read_wtalc, select_wtalc

FORMATS: tuple[AnnotationFormat, ...] = (
    AnnotationFormat(
        "RefineLoc CSV", f"RefineLoc CSV (two files with the columns {','.join(CSV_COLUMNS)})", select_csv, read_csv
    ),
    AnnotationFormat(
        "ActivityNet JSON",
        "ActivityNet-style JSON with a 'database' (also BaS-Net's gt.json)",
        select_json,
        read_activitynet_json,
    ),
    AnnotationFormat(
        "THUMOS14 text files", "THUMOS14's <Class>_val.txt and <Class>_test.txt", select_thumos14, read_thumos14
    ),
    AnnotationFormat("W-TALC arrays", f"W-TALC's {', '.join(REQUIRED_FILES)}", select_wtalc, read_wtalc),
    AnnotationFormat(
        "video-level CSV",
        f"CSV with the labels of whole videos (video,label; several rows, or '{SEPARATOR}' between labels)",
        select_label_csv,
        read_label_csv,
    ),
    AnnotationFormat(
        "W-TALC's video-level list", f"W-TALC's {', '.join(LIST_FILES)}", select_label_list, read_label_list
    ),
)
