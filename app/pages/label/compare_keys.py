"""The keys of comparing two coders, in the window's table. They hold while the comparison has the keys."""

from app.window.shortcuts import Shortcut, table

COMPARE = "Compare coders"

table.add(
    Shortcut("compare.next", "D PgDown", "The next disagreement", COMPARE),
    Shortcut("compare.previous", "Shift+D PgUp", "The disagreement before", COMPARE),
    Shortcut("compare.part_on", "Down", "The next thing they differ in", COMPARE),
    Shortcut("compare.part_back", "Up", "The thing before", COMPARE),
    Shortcut("compare.first", "1", "As the first coder has it", COMPARE),
    Shortcut("compare.second", "2", "As the second coder has it", COMPARE),
    Shortcut("compare.mean", "3", "The middle of both", COMPARE),
    Shortcut("compare.here", "4", "The landmark at the cursor", COMPARE),
    Shortcut("compare.onset", "O", "Onset at the cursor", COMPARE),
    Shortcut("compare.apex", "A", "Apex at the cursor", COMPARE),
    Shortcut("compare.offset", "F", "Offset at the cursor", COMPARE),
    Shortcut("compare.all_first", "Alt+1", "All of it as the first coder has it", COMPARE),
    Shortcut("compare.all_second", "Alt+2", "All of it as the second coder has it", COMPARE),
    Shortcut("compare.all_mean", "Alt+3", "The middle of both in all of it", COMPARE),
    Shortcut("compare.neither", "0 Del", "Leave it out: there is no such movement", COMPARE),
    Shortcut(
        "compare.go_on", "Return Enter", "The next open one; where none is, keep the consensus; then the next take", COMPARE
    ),
    Shortcut("compare.undo", "Ctrl+Z", "Take the last decision back", COMPARE),
    Shortcut("compare.redo", "Ctrl+Shift+Z Ctrl+Y", "Decide it again", COMPARE),
    Shortcut("compare.report", "Ctrl+R", "Write the report of agreement", COMPARE),
    Shortcut("compare.plan", "Ctrl+P", "Plan who labels what", COMPARE),
    Shortcut("compare.leave", "Esc", "Back to labelling", COMPARE),
)
