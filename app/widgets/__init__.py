"""Widgets that know no page: live views, prompter, lamps, verdict, plan. `python -m app.widgets.gallery OUT` shows them all."""
