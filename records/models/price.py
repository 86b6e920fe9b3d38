from django.core.validators import MinValueValidator
from django.db import models


class ModelPrice(models.Model):
    """An installation's own price of a model: stands before the packaged price list. USD per million tokens."""

    provider = models.CharField(max_length=60, blank=True, help_text="Empty: any provider.")
    model = models.CharField(max_length=120, help_text="The model's name; * stands for any letters.")
    input = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(0)])
    output = models.DecimalField(max_digits=12, decimal_places=6, validators=[MinValueValidator(0)])
    cached_input = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)],
        help_text="Empty: as input.",
    )  # fmt: skip

    class Meta:
        db_table = "model_price"
        constraints = [models.UniqueConstraint(fields=["provider", "model"], name="model_price_once")]
        ordering = ["provider", "model"]

    def __str__(self) -> str:
        return self.model
