"""The key is made here and never leaves; a wrong certificate replaces nothing."""

from __future__ import annotations

from cryptography import x509

from lineside.edge_agent import cli


def test_a_request_is_made_with_a_private_key_that_only_its_owner_reads(tmp_path, capsys):
    assert cli.main(["enrol", "line-1", "--folder", str(tmp_path)]) == 0
    request = x509.load_pem_x509_csr((tmp_path / "edge.csr").read_bytes())
    assert request.is_signature_valid
    assert "line-1" in request.subject.rfc4514_string()
    assert (tmp_path / "edge.key.request").stat().st_mode & 0o077 == 0
    assert "edge.csr" in capsys.readouterr().out


def test_what_cannot_be_used_is_refused_with_what_to_do(tmp_path, capsys):
    folder = ["--folder", str(tmp_path)]
    assert cli.main(["enrol", "line 1", *folder]) == 1
    assert "letters" in capsys.readouterr().err
    cli.main(["enrol", "line-1", *folder])
    wrong = tmp_path / "wrong.crt"
    wrong.write_text("no certificate", encoding="utf-8")
    both = ["--certificate", str(wrong), "--authority", str(wrong)]
    assert cli.main(["enrol", "line-1", *folder, *both]) == 1
    assert cli.main(["enrol", "line-1", *folder, "--certificate", str(wrong)]) == 1
    assert not (tmp_path / "edge.crt").exists()
    assert (tmp_path / "edge.key.request").exists()
