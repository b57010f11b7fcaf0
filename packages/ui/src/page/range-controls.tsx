import { ActionIcon, Button, SegmentedControl } from '@mantine/core';
import { nowSeconds } from '../clock.ts';
import { formatDuration } from '../time/duration.ts';
import { formatWindow } from '../time/format-time.ts';
import { rangeChoices, shifted, type TimeRange, windowOf } from '../time/range.ts';
import { BackIcon, ForwardIcon, PauseIcon, PlayIcon } from './icons.tsx';
import styles from './range-controls.module.css';

interface RangeControlsProps {
  readonly range: TimeRange;
  readonly onRange: (range: TimeRange) => void;
  /** Without these there is no button to pause. */
  readonly running?: boolean;
  readonly onRunning?: (running: boolean) => void;
}

/** How long a window, moving it back and forth, and whether it follows the clock. */
export function RangeControls({ range, onRange, running = true, onRunning }: RangeControlsProps) {
  const known = rangeChoices.some((choice) => choice.seconds === range.spanSeconds);
  const custom = { label: formatDuration(range.spanSeconds), value: String(range.spanSeconds) };
  const choices = rangeChoices.map((choice) => ({ label: choice.label, value: String(choice.seconds) }));
  const fixed = range.end === null ? undefined : windowOf(range, range.end);
  return (
    <div className={styles['controls']}>
      {fixed !== undefined && (
        <span className={styles['fixed']}>
          <span className={styles['window']}>{formatWindow(fixed.start, fixed.end)}</span>
          <Button
            size="compact-sm"
            variant="light"
            onClick={() => onRange({ spanSeconds: known ? range.spanSeconds : 900, end: null })}
          >
            Back to now
          </Button>
        </span>
      )}
      <span className={styles['group']}>
        <ActionIcon
          variant="default"
          size="lg"
          aria-label="Earlier"
          onClick={() => onRange(shifted(range, -1, nowSeconds()))}
        >
          <BackIcon />
        </ActionIcon>
        <SegmentedControl
          size="sm"
          withItemsBorders={false}
          aria-label="Time range"
          value={String(range.spanSeconds)}
          data={known ? choices : [...choices, custom]}
          onChange={(value) => onRange({ ...range, spanSeconds: Number(value) })}
        />
        <ActionIcon
          variant="default"
          size="lg"
          aria-label="Later"
          disabled={range.end === null}
          onClick={() => onRange(shifted(range, 1, nowSeconds()))}
        >
          <ForwardIcon />
        </ActionIcon>
        {onRunning !== undefined && (
          <ActionIcon
            variant={running ? 'default' : 'filled'}
            size="lg"
            aria-label={running ? 'Pause refreshing' : 'Resume refreshing'}
            title={running ? 'Refreshing every 5 s: pause' : 'Paused: resume'}
            onClick={() => onRunning(!running)}
          >
            {running ? <PauseIcon /> : <PlayIcon />}
          </ActionIcon>
        )}
      </span>
    </div>
  );
}
