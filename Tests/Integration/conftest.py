"""What every test here shares: one capture of the loopback interface."""

import pytest

from harness import Capture


@pytest.fixture(scope="session")
def capture():
    capture = Capture()
    yield capture
    lost = capture.dropped()
    capture.close()
    assert lost == 0, f"{lost} packets were not counted"
