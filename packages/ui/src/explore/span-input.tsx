import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { formatDuration, parseDuration } from '../time/duration.ts';
import { fromLocalTime, toLocalTime } from '../time/local-time.ts';
import type { TimeRange } from '../time/range.ts';
import styles from './explore.module.css';

interface SpanInputProps {
  readonly range: TimeRange;
  readonly onRange: (range: TimeRange) => void;
}

/** Any length of time, and a moment where it ends; without a moment it ends now. */
export function SpanInput({ range, onRange }: SpanInputProps) {
  const written = formatDuration(range.spanSeconds);
  const [text, setText] = useState(written);
  useEffect(() => setText(written), [written]);
  const spanSeconds = parseDuration(text);
  const commit = () => {
    if (spanSeconds !== undefined && spanSeconds !== range.spanSeconds) onRange({ ...range, spanSeconds });
  };
  return (
    <>
      <TextInput
        aria-label="Range"
        w={112}
        size="sm"
        leftSection={<span className={styles['inputName']}>range</span>}
        leftSectionWidth={48}
        value={text}
        error={spanSeconds === undefined}
        title={spanSeconds === undefined ? 'not a duration: 90s, 15m, 1h30m, 7d' : 'How long a time is shown'}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === 'Enter') commit();
        }}
      />
      <TextInput
        aria-label="Until"
        type="datetime-local"
        w={238}
        size="sm"
        leftSection={<span className={styles['inputName']}>until</span>}
        leftSectionWidth={42}
        value={range.end === null ? '' : toLocalTime(range.end)}
        title="Where the time shown ends; empty ends now"
        onChange={(event) => onRange({ ...range, end: fromLocalTime(event.currentTarget.value) ?? null })}
      />
    </>
  );
}
