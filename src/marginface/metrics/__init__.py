"""Scores → numbers: ROC, TAR at FAR, TPIR at FPIR, ten-fold accuracy, intervals, comparisons; directions → angles.

NumPy only, pure.

verification, roc    pairs: ten-fold accuracy; every threshold     all_pairs, hardest_pairs   of all pairs of N photos
identification       searches, open set; retrieval: with several right answers; nearest_rows: among very many rows
intervals            how sure a rate is; bootstrap, shared_people, crossed: with the chance of people and of seeds;
                     curve_intervals: how sure the AUC and the EER are
comparison           is one better?        clustering   are groups the people?        classes   where they lie

A pair is accepted when its similarity is at or above the threshold (``similarity >= threshold``), everywhere but in
``ten_fold_accuracy``, which keeps the published definition (squared distance strictly below the threshold).
"""

from __future__ import annotations

from marginface.metrics.all_pairs import SimilarityCounts, count_similarities, similarity_of
from marginface.metrics.bootstrap import PeopleOfPairs, resampled_tars, tar_intervals
from marginface.metrics.classes import ClassGeometry, class_geometry, pairwise_angles
from marginface.metrics.clustering import Agreement, ClusteringScore, clustering_score
from marginface.metrics.comparison import McNemar, holm, mcnemar, paired_difference
from marginface.metrics.crossed import CrossedMean, clustered_error, crossed_mean
from marginface.metrics.curve_intervals import auc_interval, eer_interval
from marginface.metrics.identification import (
    Searches,
    TpirAtFpir,
    cmc,
    fmr_of_search,
    fpir_of_search,
    identification_rate,
    rank_interval,
    search_results,
    size_of_search,
    tpir_intervals,
    tpirs_at_fpirs,
)
from marginface.metrics.intervals import (
    Interval,
    Rate,
    identity_bootstrap,
    smallest_rate,
    student_t_interval,
    trials_needed,
    wilson_interval,
)
from marginface.metrics.roc import (
    Roc,
    TarAtFar,
    auc,
    equal_error_rate,
    overlap,
    require_supported_far,
    roc,
    smallest_supported_far,
    supports_far,
    tar_at_far,
    tars_at_fars,
)
from marginface.metrics.shared_people import ErrorRates, error_rates
from marginface.metrics.verification import (
    FoldedAccuracy,
    sphereface_accuracy,
    ten_fold_accuracy,
    threshold_accuracy,
    whole_set_accuracy,
)

__all__ = [
    "Agreement",
    "ClassGeometry",
    "ClusteringScore",
    "CrossedMean",
    "ErrorRates",
    "FoldedAccuracy",
    "Interval",
    "McNemar",
    "PeopleOfPairs",
    "Rate",
    "Roc",
    "Searches",
    "SimilarityCounts",
    "TarAtFar",
    "TpirAtFpir",
    "auc",
    "auc_interval",
    "class_geometry",
    "clustered_error",
    "clustering_score",
    "cmc",
    "count_similarities",
    "crossed_mean",
    "eer_interval",
    "equal_error_rate",
    "error_rates",
    "fmr_of_search",
    "fpir_of_search",
    "holm",
    "identification_rate",
    "identity_bootstrap",
    "mcnemar",
    "overlap",
    "paired_difference",
    "pairwise_angles",
    "rank_interval",
    "require_supported_far",
    "resampled_tars",
    "roc",
    "search_results",
    "similarity_of",
    "size_of_search",
    "smallest_rate",
    "smallest_supported_far",
    "sphereface_accuracy",
    "student_t_interval",
    "supports_far",
    "tar_at_far",
    "tar_intervals",
    "tars_at_fars",
    "ten_fold_accuracy",
    "threshold_accuracy",
    "tpir_intervals",
    "tpirs_at_fpirs",
    "trials_needed",
    "whole_set_accuracy",
    "wilson_interval",
]
