"""A reference population in another form, or as another model takes it: the same people in either case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrp_audit.adapters.model import TabularModel
from lrp_audit.explaining.reference import Applicants, Reference, Representation, build_reference


def represented(reference: Reference, model: TabularModel, form: Representation, *, members: int | None) -> Reference:
    """The people of a reference, represented in a form by up to `members` of them (see `build_reference`); or zero.

    Raises:
        ReferenceDataError: rows cannot be averaged or mixed, as an input holds codes.
    """
    people = len(reference.frame)
    everybody = Applicants(reference.frame, model.encode(reference.frame).inputs if people else {}, np.zeros(people))
    if form == "zero":
        return build_reference(everybody, model, name="zero", seed=reference.seed, date=reference.date)
    found = build_reference(
        everybody,
        model,
        name="all_applicants",
        representation=form,
        members=members,
        seed=reference.seed,
        date=reference.date,
    )
    return replace(found, name=reference.name)
