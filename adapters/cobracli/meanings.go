package cobracli

import "github.com/bgtransform/sidecar/bgtransform"

// meanings has every reason that the engine gives.
func meanings() map[bgtransform.ReasonCode]meaning {
	pause := step{"pause NAME", "stop it between two batches"}
	watch := step{"status NAME --watch", "see how it goes on"}
	fleet := step{"fleet", "which instances are there"}
	finish := step{"finish NAME", "do what is left here and now"}
	log := step{"log NAME", "who did what, and why"}
	return map[bgtransform.ReasonCode]meaning{
		bgtransform.ReasonFlags: {"An environment flag of the app makes no sense. No transform runs until it does, because the flag may have been " +
			"meant to hold any of them back. Mend the variable and start the app again.", nil},
		bgtransform.ReasonSettings: {"An operator has set something that this version of the app does not understand.", []step{{"untune NAME", "set everything back"}, log}},
		bgtransform.ReasonDisabled: {
			"It is switched off where it was looked at, by a flag (BGTRANSFORM_ENABLED) or in the code. Another instance may run it.",
			[]step{finish, fleet},
		},
		bgtransform.ReasonDatabase: {"The app's database gives no answer, or takes nothing. It goes on by itself once it does; nothing is lost.", []step{watch}},
		bgtransform.ReasonSchema:   {"A table or a column is not there. It goes on by itself once the migration that adds it was applied.", []step{watch}},
		bgtransform.ReasonLocker:   {"The server of the lease (Redis, for one) cannot be reached, so nobody may begin. It goes on by itself once it can.", []step{watch}},
		bgtransform.ReasonHeld:     {"Another instance has the lease and does the work. That is as it should be.", []step{watch}},
		bgtransform.ReasonFinish:   {"Somebody finishes it in the foreground, in a process of its own. That is as it should be.", []step{watch, log}},
		bgtransform.ReasonClaim: {"A transaction of an instance that is gone is still open in the database. The database ends it after the lease's time, " +
			"then it goes on by itself.", []step{watch}},
		bgtransform.ReasonWindow: {
			"No row is moved outside of its window. It goes on by itself when that opens.",
			[]step{{"run-now NAME --for 2h", "run outside the window, for two hours"}, {"tune NAME window=…", "give it another window"}, finish},
		},
		bgtransform.ReasonFleet: {"A column moves, and an instance of the app is there, or was just now, that does not write both columns; or nobody " +
			"knows the pool well enough yet. It goes on by itself once that instance is gone.", []step{fleet}},
		bgtransform.ReasonDependency: {"Another transform must be complete before it may begin.", []step{{"list", "how far the others are"}}},
		bgtransform.ReasonSuperseded: {"A newer version of the app has changed what it does. Only instances of that version run it: finish the deploy.", []step{fleet}},
		bgtransform.ReasonSlot:       {"Each instance runs only so many transforms at a time (Config.Concurrency). It goes on by itself when one of the others ends.", []step{{"list", "which of them run"}}},
		bgtransform.ReasonThrottle: {
			"It is at work, and goes no faster than it may.",
			[]step{watch, {"tune NAME rows_per_second=unlimited duty=50%", "let it go faster"}, pause},
		},
		bgtransform.ReasonHealth: {
			"The database or the app is not well, by one of the health signals, so it goes slower or rests. It goes on by itself when that has passed.",
			[]step{watch, pause},
		},
		bgtransform.ReasonWriters: {"Transactions are open that have written to the table. The next pass begins once they have ended, so that it sees what they wrote. " +
			"If one of them was forgotten, end it.", []step{watch}},
		bgtransform.ReasonBackoff: {"Something went wrong, and it tries again by itself, less and less often.", []step{watch, pause}},
		bgtransform.ReasonQuarantine: {
			"All other rows are done. These could not be transformed, and block completion until they are mended and tried again, or accepted as they are.",
			[]step{{"quarantine NAME", "which rows, and why"}, {"retry NAME", "try them again"}, {"accept NAME", "leave them as they are"}},
		},
		bgtransform.ReasonPaused:    {"Somebody has paused it. It stays so until it is resumed.", []step{{"resume NAME", "go on where it was"}, log}},
		bgtransform.ReasonCancelled: {"Somebody has given it up. What it has written stays.", []step{{"restart NAME", "begin again at the first row"}, log}},
		bgtransform.ReasonAsked: {"Somebody has asked for it, and no instance has followed yet. A running app does within seconds, or within a minute once all is complete. " +
			"If nothing happens, no instance runs, or none has this transform.", []step{watch, fleet}},
		bgtransform.ReasonLeft: {
			"What rows held before was written back, but for some that were left as they are: the app has changed them since, or the database refused.",
			[]step{{"journal NAME", "which rows were left"}, {"retry NAME", "try those again that the database refused"}},
		},
		bgtransform.ReasonStopped:   {"The instance that was at work has shut down. Another takes over, or the next that starts. If nothing happens, no instance runs.", []step{watch, fleet, finish}},
		bgtransform.ReasonLeaseLost: {"The instance that was at work has lost the lease, so that it could not commit any more. Another takes over by itself.", []step{watch}},
		bgtransform.ReasonUnattended: {"It was at work, and its instance gives no sign of life: it was killed, is frozen, or has lost the database. Another takes over once its " +
			"lease has ended. If nothing happens, no instance runs.", []step{watch, fleet, finish}},
		bgtransform.ReasonDryRun: {"A flag (BGTRANSFORM_DRY_RUN) has it tried on a sample, which was rolled back. The whole plan is in the app's log. " +
			"It runs once the app is started without the flag.", []step{{"plan NAME", "make the plan again"}}},
		bgtransform.ReasonStillMatch: {
			"Rows that were written are pending all the same: the condition and what the transform writes do not go together. That is a mistake in its code.",
			nil,
		},
		bgtransform.ReasonTooManyBad: {
			"More rows could not be transformed than is sensible to go on with. Look at the first of them: it may be a mistake in the transform's code.",
			[]step{{"quarantine NAME", "which rows, and why"}},
		},
		bgtransform.ReasonError: {"Something went wrong that does not pass by itself.", []step{{"status NAME", "the last error, and all else"}}},
	}
}
