"""The keys of the Record page, in the window's table. A clicker sends Page Down and Page Up, a foot pedal what it is set to."""

from app.window.shortcuts import Shortcut, table

RECORD, TAKE, AFTER = "Record", "Take", "After a take"

table.add(
    Shortcut("record.go", "Return Space PgDown", "Go on: to the plan, start the take", RECORD),
    Shortcut("record.rig", "F2", "Rig check", RECORD),
    Shortcut("record.plan", "F3", "Plan", RECORD),
    Shortcut("record.practice", "P", "Practice: takes that are not used", RECORD),
    Shortcut("record.skip", "S", "Skip this take, or take it up again", RECORD),
    Shortcut("record.add", "A", "Add a take of this movement", RECORD),
    Shortcut("record.confirm", "C", "Go on though the rig check is red", RECORD),
    Shortcut("record.hands_free", "H", "Hands free: the next step comes by itself", RECORD),
    Shortcut("record.mode", "V", "Show events in another way", RECORD),
    Shortcut("record.mirror", "M", "Mirror", RECORD),
    Shortcut("record.undo", "Ctrl+Z", "Take back the last noise or redo", RECORD),
    Shortcut("record.label", "L", "Open the last take on the Label page", RECORD),
    Shortcut("record.advanced", "F4", "Advanced: biases, lens, hot pixels, profile", RECORD),
    Shortcut("record.finish", "Ctrl+E", "End the session", RECORD),
    Shortcut("record.report", "Ctrl+R", "Write the session's report", RECORD),
    Shortcut("record.backup", "Ctrl+B", "Copy to the backup folder", RECORD),
    Shortcut("record.next_subject", "Ctrl+N", "Next subject", RECORD),
    Shortcut("take.cue", "Return Space PgDown", "The hand is raised: mark the cue", TAKE),
    Shortcut("take.paper", "P", "The paper is away: mark t0", TAKE),
    Shortcut("take.abort", "Esc", "Abort: what was recorded is kept as a partial take", TAKE),
    Shortcut("after.keep", "Return Space PgDown", "Keep", AFTER),
    Shortcut("after.noise", "N", "Keep as noise", AFTER),
    Shortcut("after.redo", "R PgUp", "Redo", AFTER),
    Shortcut("after.play", "P", "Play back", AFTER),
)
