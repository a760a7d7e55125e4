"""Videos, segments and features: the types, the file formats that are understood, the mapped cache. No torch."""

from __future__ import annotations

from trainables.data.annotation_formats import FORMATS
from trainables.data.annotations import THUMOS14_CLASSES, Annotations, read_annotations, read_subset
from trainables.data.array_file import ArrayFile, only_writer, write_array
from trainables.data.csv_tables import read_csv_table
from trainables.data.feature_cache import FeatureFolder, LoadedFeatures, feature_key
from trainables.data.feature_layouts import LAYOUTS, FeatureFiles, feature_paths, open_features
from trainables.data.feature_protocol import (
    FeatureDescription,
    FeatureProtocol,
    VideoFeatures,
    read_feature_description,
)
from trainables.data.features import (
    ExpectedLengths,
    FeaturePlan,
    FlatFeatures,
    feature_width,
    length_problems,
    load_features,
    plan_features,
)
from trainables.data.segment_files import (
    mask_segments,
    read_instances,
    read_predictions,
    write_ground_truth,
    write_predictions,
)
from trainables.data.segments import Segments, temporal_iou
from trainables.data.snippet_labels import BACKGROUND, FOREGROUND, HIDDEN
from trainables.data.split import Dataset, Split, Video

__all__ = [
    "BACKGROUND",
    "FOREGROUND",
    "FORMATS",
    "HIDDEN",
    "LAYOUTS",
    "THUMOS14_CLASSES",
    "Annotations",
    "ArrayFile",
    "Dataset",
    "ExpectedLengths",
    "FeatureDescription",
    "FeatureFiles",
    "FeatureFolder",
    "FeaturePlan",
    "FeatureProtocol",
    "FlatFeatures",
    "LoadedFeatures",
    "Segments",
    "Split",
    "Video",
    "VideoFeatures",
    "feature_key",
    "feature_paths",
    "feature_width",
    "length_problems",
    "load_features",
    "mask_segments",
    "only_writer",
    "open_features",
    "plan_features",
    "read_annotations",
    "read_csv_table",
    "read_feature_description",
    "read_instances",
    "read_predictions",
    "read_subset",
    "temporal_iou",
    "write_array",
    "write_ground_truth",
    "write_predictions",
]
