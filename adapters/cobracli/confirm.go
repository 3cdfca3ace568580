package cobracli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// errDeclined is the answer of a person who has thought better of it.
var errDeclined = errors.New("nothing was done")

// assent adds the flag by which people say that they are sure.
func assent(cmd *cobra.Command) *bool {
	return cmd.Flags().BoolP("yes", "y", false, "do it without asking")
}

// confirm asks a person whether to go on, unless that was said already.
func (s *session) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	in := s.cmd.InOrStdin()
	if !s.terminal(in) || !s.terminal(s.err) {
		return usagef("%s wants to be confirmed, and nobody is at a terminal: give --yes if you are sure. %s", s.cmd.Name(), question)
	}
	_, _ = fmt.Fprintf(s.err, "%s [y/N] ", plain(question))
	answer, err := readLine(ctx, in)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	default:
		return errDeclined
	}
}

// readLine returns a line, or the end of the input. A reader cannot be stopped: when ctx
// ends first it is left behind, and ends with the process.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		return line, nil
	case <-ctx.Done():
		return "", errDeclined
	}
}
