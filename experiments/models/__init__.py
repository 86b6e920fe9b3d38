from experiments.models.dataset import Dataset, DatasetItem, DatasetRevision
from experiments.models.prompt import Prompt, PromptState, PromptVersion

__all__ = ["Dataset", "DatasetItem", "DatasetRevision", "Prompt", "PromptState", "PromptVersion"]
