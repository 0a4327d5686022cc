"""What is said when something of that name is there already, or no longer."""

import pytest

from omniroute.api.combos import ComboModel, NewCombo
from omniroute.api.keys import NewKey
from omniroute.client import combos, keys
from omniroute.client.http import ApiRefused
from tests.server.manage.place import Place


async def test_a_second_combo_of_a_name_is_refused_with_what_to_do(place: Place) -> None:
    models: list[str | ComboModel] = ["openai/a"]
    await place.call(combos.create_combo, NewCombo(name="daily", models=models))

    with pytest.raises(ApiRefused, match=r"combo named .daily. already; choose another name$") as refused:
        await place.call(combos.create_combo, NewCombo(name="daily", models=models))

    assert refused.value.status == 409


async def test_a_second_key_of_a_name_is_refused_with_what_to_do(place: Place) -> None:
    await place.call(keys.create_key, NewKey(name="laptop"))

    with pytest.raises(
        ApiRefused, match=r"^there is an API key named 'laptop' already; choose another name$"
    ):
        await place.call(keys.create_key, NewKey(name="laptop"))


async def test_a_choice_is_listed_under_the_name_that_was_given(place: Place) -> None:
    body = {"providerStrategies": {"oai": "bogus"}}

    status, answer, _ = await place.raw("PATCH", "/api/settings", body=body)

    assert status == 400
    (detail,) = answer["error"]["details"]
    assert detail["field"] == "providerStrategies.oai"
    assert detail["message"].startswith("must be ")
    assert "round-robin" in detail["message"]
    assert detail["message"].endswith(", not 'bogus'")
