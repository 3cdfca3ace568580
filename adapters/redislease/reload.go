package redislease

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// reloader is a client that remembers which server has which keys: a
// [redis.ClusterClient].
type reloader interface {
	ReloadState(ctx context.Context)
}

var _ reloader = (*redis.ClusterClient)(nil)

// noticed returns err. If no server has answered, it has a Cluster's client ask
// who has the keys now, without waiting for it. By itself, the client does so once
// a minute, and meanwhile sends the requests for a master that is dead to no other:
// longer than any lease lasts.
// See https://github.com/redis/go-redis/issues/3979.
func (l *Locker) noticed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, answered := errors.AsType[redis.Error](err); answered {
		return err
	}
	if c, ok := l.rdb.(reloader); ok {
		c.ReloadState(ctx)
	}
	return err
}
