"""Cameras are kept awake while armed, and everything is put back; what cannot be done is said and never fatal."""

import shutil

import pytest

from recorder.power import Awake


def device(root, name, vendor, control="auto\n"):
    folder = root / name
    (folder / "power").mkdir(parents=True)
    (folder / "idVendor").write_text(vendor + "\n")
    (folder / "power" / "control").write_text(control)
    return folder / "power" / "control"


def test_event_cameras_are_kept_on_and_put_back(tmp_path):
    camera, mouse = device(tmp_path, "1-1", "152a"), device(tmp_path, "1-2", "046d")
    with Awake(tmp_path):
        assert (camera.read_text(), mouse.read_text()) == ("on", "auto\n")
    assert (camera.read_text(), mouse.read_text()) == ("auto\n", "auto\n")


def test_a_camera_that_was_unplugged_meanwhile_hinders_nobody(tmp_path):
    device(tmp_path, "1-1", "152a")
    other = device(tmp_path, "1-2", "152a")
    with Awake(tmp_path):
        shutil.rmtree(tmp_path / "1-1")
    assert other.read_text() == "auto\n"


def test_a_camera_without_power_control_is_said(tmp_path):
    device(tmp_path, "1-1", "152a").unlink()
    (tmp_path / "1-1" / "power" / "control").mkdir()
    with Awake(tmp_path) as awake:
        pass
    assert [text for text in awake.notices if "USB autosuspend could not be switched off" in text]


def test_a_device_that_goes_while_it_is_looked_at_hinders_nobody(tmp_path):
    (tmp_path / "1-1").mkdir()
    (tmp_path / "1-1" / "idVendor").symlink_to(tmp_path / "gone")
    with Awake(tmp_path):
        pass


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_system_without_usb_devices_is_no_problem(tmp_path, name):
    (tmp_path / "file").touch()
    with Awake(tmp_path / name) as awake:
        assert not [text for text in awake.notices if "USB" in text]
