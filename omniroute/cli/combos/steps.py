"""The steps of a combo as a person writes them."""

from typing import TYPE_CHECKING

from omniroute.cli.failures import UsageError

if TYPE_CHECKING:
    from omniroute.api.combos import ComboModel


def models_of(written: list[str], accounts: list[str] | None) -> "list[str | ComboModel]":
    """Steps as a person writes them: `MODEL` or `MODEL=WEIGHT`."""
    from omniroute.api.combos import ComboModel

    models: list[str | ComboModel] = []
    for text in written:
        name, equals, weight = text.rpartition("=")
        if not equals:
            models.append(text)
        elif not weight.replace(".", "", 1).isdecimal():
            raise UsageError(f"{text!r}: write it as MODEL=WEIGHT, with a weight from 0 to 100")
        else:
            number = float(weight) if "." in weight else int(weight)
            models.append(ComboModel(model=name, weight=number))
    return _restricted(models, accounts)


def edited(
    before: "list[str | ComboModel]",
    add: "list[str] | tuple[str, ...]",
    drop: "list[str] | tuple[str, ...]",
    accounts: list[str] | None,
) -> "list[str | ComboModel]":
    known = [_name(model) for model in before]
    if unknown := [name for name in drop if name not in known]:
        raise UsageError(f"the combo does not hold {', '.join(unknown)}")
    kept = [model for model in before if _name(model) not in drop]
    return _restricted([*kept, *models_of(list(add), None)], accounts)


def _restricted(models: "list[str | ComboModel]", accounts: list[str] | None) -> "list[str | ComboModel]":
    """The steps with the accounts they may use, from `MODEL=ACCOUNT`."""
    import msgspec

    from omniroute.api.combos import ComboModel

    allowed: dict[str, list[str]] = {}
    for text in accounts or ():
        name, _, account = text.rpartition("=")
        if not name or not account or name not in map(_name, models):
            raise UsageError(f"--account {text!r}: write it as MODEL=ACCOUNT, with a model of the combo")
        allowed.setdefault(name, []).append(account)
    return [
        model
        if _name(model) not in allowed
        else msgspec.structs.replace(
            model if isinstance(model, ComboModel) else ComboModel(model=model),
            accounts=allowed[_name(model)],
        )
        for model in models
    ]


def _name(model: "str | ComboModel") -> str:
    return model if isinstance(model, str) else model.model
