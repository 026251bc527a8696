"""One player for all tests of recorded commands: what one of them ran, the others have."""

import pytest

from tests.recorded.recording import Player


@pytest.fixture(scope="session")
def player(tmp_path_factory: pytest.TempPathFactory) -> Player:
    return Player(tmp_path_factory.mktemp("recorded"))
