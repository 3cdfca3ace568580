package cobracli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgtransform/sidecar/bgtransform"
)

// session is one command at work.
type session struct {
	App
	config

	control *bgtransform.Control
	cmd     *cobra.Command
	path    string // the words with which our commands begin
	json    bool

	out, err io.Writer
}

// patience bounds what a command waits for the database where it needs a single answer.
const patience = 15 * time.Second

// with calls fn with the app opened, until the process is interrupted.
func (c *commands) with(cmd *cobra.Command, fn func(ctx context.Context, s *session) error) (err error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	app, err := c.open(ctx)
	if app.Close != nil {
		defer func() { err = errors.Join(err, app.Close()) }()
	}
	if err != nil {
		return err
	}
	if app.DB == nil {
		return errors.New("cobracli: App.DB is nil")
	}
	control, err := app.control()
	if err != nil {
		return err
	}
	asJSON, err := cmd.Flags().GetBool("json")
	if err != nil {
		return err
	}
	return fn(ctx, &session{
		App: app, config: c.config, control: control, cmd: cmd, path: c.root.CommandPath(), json: asJSON,
		out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(),
	})
}

// brief bounds what asks the database for one answer.
func brief(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patience, errors.New("the database has not answered for "+patience.String()))
}

// answer writes what a command has found: as JSON, or as a text.
func (s *session) answer(v any, text string) error {
	if s.json {
		return encode(s.out, v)
	}
	_, err := io.WriteString(s.out, text)
	return err
}

// encode writes one line of JSON.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// command spells a command of ours.
func (s *session) command(words string, args ...any) string {
	return s.path + " " + fmt.Sprintf(words, args...)
}
