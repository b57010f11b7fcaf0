// The page's few pictures, drawn here: no icon package and nothing to fetch.

interface IconProps {
  readonly path: string;
  readonly filled?: boolean;
}

function Icon({ path, filled = false }: IconProps) {
  return (
    <svg width="18" height="18" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={path}
        fill={filled ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

export const PauseIcon = () => <Icon path="M8 5v14M16 5v14" />;
export const PlayIcon = () => <Icon path="M7 5l12 7-12 7z" filled />;
export const SunIcon = () => (
  <Icon path="M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4" />
);
export const MoonIcon = () => <Icon path="M20.5 14.5A8.5 8.5 0 019.5 3.5a8.5 8.5 0 1011 11z" />;
export const BackIcon = () => <Icon path="M15 5l-7 7 7 7" />;
export const ForwardIcon = () => <Icon path="M9 5l7 7-7 7" />;

/** Three tide lines, the lowest the faintest. */
export function Logo() {
  const wave = 'c3.7 0 3.7-3.5 7.3-3.5s3.7 3.5 7.4 3.5 3.6-3.5 7.3-3.5';
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="var(--mantine-primary-color-filled)" />
      {[1, 0.7, 0.4].map((opacity, i) => (
        <path
          key={opacity}
          d={`M5 ${12.5 + 6 * i}${wave}`}
          fill="none"
          stroke="#fff"
          strokeOpacity={opacity}
          strokeWidth="2.6"
          strokeLinecap="round"
        />
      ))}
    </svg>
  );
}
