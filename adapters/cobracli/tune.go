package cobracli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

const tuneHelp = `It holds from the next batch on, wins over the app's flags and code, and survives restarts, until
it is set back. The settings are those of the environment flags, in any case, with - or _:

  window           when batches may run: "0 22 * * * for 8h in Europe/Berlin", always, never
  rows_per_second  ceiling for changed rows: 2000, unlimited
  duty             share of time that batches may use: 0.5, 50%
  batch_target     how long the database should take for a batch: 100ms
  batch_min        keys in a batch, at least: 10
  batch_max        keys in a batch, at most: 10000
  batch_rows       rows that a batch should change, at most: 400
  phase            which column reads are to come to: old, fallback, compare, new`

func (c *commands) tune() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tune NAME SETTING=VALUE…", Short: "Change how a transform runs, over flags and code", Long: "Change how a transform runs. " + tuneHelp,
		Example:           `  tune track-length-ms rows_per_second=500 window="0 22 * * * for 8h in Europe/Berlin" --why "the shop is slow"`,
		Args:              named,
		ValidArgsFunction: c.completeTune,
	}
	by := c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		who, err := by()
		if err != nil {
			return err
		}
		values, err := settingValues(words[0], words[1:])
		if err != nil {
			return err
		}
		return s.act(ctx, words[0], "tune", who, "untune NAME", func(c *bgtransform.Control, ctx context.Context, name string, by bgtransform.By) error {
			return c.Tune(ctx, name, by, values)
		})
	})
	return cmd
}

// settingValues reads the words of tune: rows_per_second=500.
func settingValues(name string, words []string) (map[bgtransform.Setting]string, error) {
	if len(words) == 0 {
		return nil, usagef("tune what of %s? Name a setting and its value, such as rows_per_second=500", name)
	}
	values := map[bgtransform.Setting]string{}
	for _, word := range words {
		typed, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, usagef("%s has no value; want %s=VALUE, or %s=%s to set it back", word, word, word, bgtransform.Default)
		}
		if _, twice := values[setting(typed)]; twice {
			return nil, usagef("%s is given twice", typed)
		}
		values[setting(typed)] = value
	}
	return values, nil
}

// setting returns the setting that somebody has typed, as they are used to.
func setting(typed string) bgtransform.Setting {
	return bgtransform.Setting(strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(typed), "-", "_")))
}

func (c *commands) untune() *cobra.Command {
	cmd := &cobra.Command{
		Use: "untune NAME [SETTING…]", Short: "Set settings back to what flags and code say, or all",
		Args: named, ValidArgsFunction: c.completeUntune,
	}
	by := c.signature(cmd)
	cmd.RunE = c.runOn(func(ctx context.Context, s *session, words []string) error {
		who, err := by()
		if err != nil {
			return err
		}
		settings := make([]bgtransform.Setting, len(words)-1)
		for i, word := range words[1:] {
			settings[i] = setting(word)
			if !slices.Contains(bgtransform.Settings(), settings[i]) {
				return usagef("%s is no setting; there are %s", word, joined(bgtransform.Settings()))
			}
		}
		return s.act(ctx, words[0], "untune", who, "", func(c *bgtransform.Control, ctx context.Context, name string, by bgtransform.By) error {
			return c.Untune(ctx, name, by, settings...)
		})
	})
	return cmd
}

func joined(settings []bgtransform.Setting) string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = strings.ToLower(string(s))
	}
	return strings.Join(names, ", ")
}
