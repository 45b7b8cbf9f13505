//! Schedules that once showed a mistake, made as small as they are.
