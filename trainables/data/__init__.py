"""Videos, segments and features: the types, the file formats that are understood, the mapped cache. No torch."""

from __future__ import annotations

from trainables.data.annotation_files import folders_with_ambiguous, read_annotations, read_subset
from trainables.data.annotation_formats import FORMATS
from trainables.data.annotations import Annotations
from trainables.data.array_file import ArrayFile, only_writer, write_array
from trainables.data.class_lists import UNKNOWN_LABEL, read_class_list
from trainables.data.csv_tables import read_csv_table
from trainables.data.feature_cache import FeatureFolder, KeptFeatures, LoadedFeatures, feature_key, note_use
from trainables.data.feature_files import FeatureFiles
from trainables.data.feature_layouts import LAYOUTS, feature_paths, open_features
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
from trainables.data.ground_truth import GroundTruth, read_ground_truth
from trainables.data.object_arrays import read_pickled_arrays
from trainables.data.prediction_files import Predictions, read_prediction_file, read_predictions
from trainables.data.raw_annotations import NO_SUBSET, ZERO_RATE, RawVideo, SubsetRule, UnknownSubset, by_convention
from trainables.data.segment_files import (
    read_intervals,
    write_ground_truth,
    write_intervals,
    write_predictions,
)
from trainables.data.segments import Segments, intersection_over_hull, temporal_iou
from trainables.data.snippet_labels import BACKGROUND, FOREGROUND, HIDDEN
from trainables.data.split import Dataset, Split, Video
from trainables.data.split_annotations import assumed_splits, of_one_split, read_split_annotations
from trainables.data.video_names import VIDEO_SUFFIXES, find_name

__all__ = [
    "BACKGROUND",
    "FOREGROUND",
    "FORMATS",
    "HIDDEN",
    "LAYOUTS",
    "NO_SUBSET",
    "UNKNOWN_LABEL",
    "VIDEO_SUFFIXES",
    "ZERO_RATE",
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
    "GroundTruth",
    "KeptFeatures",
    "LoadedFeatures",
    "Predictions",
    "RawVideo",
    "Segments",
    "Split",
    "SubsetRule",
    "UnknownSubset",
    "Video",
    "VideoFeatures",
    "assumed_splits",
    "by_convention",
    "feature_key",
    "feature_paths",
    "feature_width",
    "find_name",
    "folders_with_ambiguous",
    "intersection_over_hull",
    "length_problems",
    "load_features",
    "note_use",
    "of_one_split",
    "only_writer",
    "open_features",
    "plan_features",
    "read_annotations",
    "read_class_list",
    "read_csv_table",
    "read_feature_description",
    "read_ground_truth",
    "read_intervals",
    "read_pickled_arrays",
    "read_prediction_file",
    "read_predictions",
    "read_split_annotations",
    "read_subset",
    "temporal_iou",
    "write_array",
    "write_ground_truth",
    "write_intervals",
    "write_predictions",
]
