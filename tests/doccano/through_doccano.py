"""Take tasks into doccano by its own import and out by its own export; run by a test with doccano's interpreter.

    python through_doccano.py FOLDER

FOLDER/plan.json: `importer`, the user who imports FOLDER/tasks.jsonl, and `given`: user, row (from 0), label, comment (or
None) of labels that others give then. FOLDER/exported gets what doccano exports, a file for each user. The database is a
file in FOLDER; nothing listens, no network is used.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import zipfile
from pathlib import Path


def main(folder: Path) -> None:
    """Import, label, export."""
    found = importlib.util.find_spec("backend")
    assert found and found.submodule_search_locations, "no doccano here"
    sys.path.append(str(next(iter(found.submodule_search_locations))))  # as doccano's own command does
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "MEDIA_ROOT": str(folder / "media"),
    }
    import django

    django.setup()
    from data_export.celery_tasks import export_dataset
    from data_import.datasets import load_dataset
    from data_import.pipeline.catalog import create_file_format
    from data_import.pipeline.readers import FileName
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from examples.models import Comment, Example
    from label_types.models import CategoryType
    from labels.models import Category
    from projects.models import Member, ProjectType, TextClassificationProject
    from roles.models import Role

    call_command("migrate", verbosity=0)
    call_command("create_roles")
    plan = json.loads((folder / "plan.json").read_text("utf-8"))
    names = [plan["importer"], *sorted({g["user"] for g in plan["given"]} - {plan["importer"]})]
    users = {name: get_user_model().objects.create_user(name) for name in names}
    task = ProjectType.DOCUMENT_CLASSIFICATION
    project = TextClassificationProject.objects.create(
        name="made", project_type=task, created_by=users[plan["importer"]], single_class_classification=True
    )
    for user in users.values():
        Member.objects.create(project=project, user=user, role=Role.objects.get(name="annotator"))

    file = FileName(str(folder / "tasks.jsonl"), "tasks.jsonl", "tasks.jsonl")
    tasks = load_dataset(task, create_file_format("JSONL"), [file], project)
    tasks.save(users[plan["importer"]])
    assert not tasks.errors, [e.dict() for e in tasks.errors]

    examples = list(Example.objects.filter(project=project).order_by("id"))
    for given in plan["given"]:
        label, _ = CategoryType.objects.get_or_create(project=project, text=given["label"])
        example, user = examples[given["row"]], users[given["user"]]
        Category.objects.create(example=example, user=user, label=label)
        if given["comment"] is not None:
            Comment.objects.create(example=example, user=user, text=given["comment"])
    with zipfile.ZipFile(export_dataset(project.id, "JSONL")) as exported:
        exported.extractall(folder / "exported")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
