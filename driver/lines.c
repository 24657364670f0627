// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of a card's user logic, a line each, for programs that have a register
 * node open.
 *
 * A line is a level: it stays up until the program has told the user logic, by a register
 * that only the program knows. So a line that interrupted is masked at once, whoever
 * listens, and stays so until a program lets the next one through. What comes then is
 * another interrupt, even where the line never fell: a program that does not tell the
 * user logic keeps itself busy, and not the kernel.
 *
 * Each interrupt is counted once, for all: by who masks the line, so a handler that runs
 * for something else, on a line interrupt say, counts nothing. A file has the counts that
 * it was told last, so any number of readers see each of them, and none takes it from
 * the others.
 *
 * User logic belongs to the function: the register nodes of all its cards tell the same.
 */
#include <linux/poll.h>
#include <linux/uaccess.h>

#include "card.h"

/**
 * grabber_lines_init() - set up what lines need in a new function
 * @lines: the lines
 */
void grabber_lines_init(struct grabber_lines *lines)
{
	spin_lock_init(&lines->lock);
	init_waitqueue_head(&lines->wait);
}

/*
 * Count those that interrupted. The lock is held since they were masked: who lets one
 * through meanwhile would have it masked here, but not in the card.
 */
static void count(struct grabber_lines *lines, u32 came)
{
	int line;

	lockdep_assert_held(&lines->lock);
	for (line = 0; line < GRABBER_IRQ_LINES; line++)
		lines->count[line] += came >> line & 1;
	lines->unmasked &= ~came;
}

static void wake(struct grabber_lines *lines)
{
	/* All of them, also with EPOLLEXCLUSIVE: each file is told of each interrupt. */
	__wake_up(&lines->wait, TASK_INTERRUPTIBLE, 0, poll_to_key(EPOLLIN | EPOLLRDNORM));
}

/**
 * grabber_lines_came() - lines have interrupted, and need not be masked in the card
 * @function: the function
 * @came: a bit for each
 */
void grabber_lines_came(struct grabber_function *function, u32 came)
{
	struct grabber_lines *lines = &function->lines;
	unsigned long flags;

	spin_lock_irqsave(&lines->lock, flags);
	count(lines, came);
	spin_unlock_irqrestore(&lines->lock, flags);
	wake(lines);
}

/* Mask the lines that interrupt, and count them. Return: these. */
static u32 take(struct grabber_function *function)
{
	const struct grabber_board *board = function->board;
	struct grabber_lines *lines = &function->lines;
	unsigned long flags;
	u32 came = 0;

	spin_lock_irqsave(&lines->lock, flags);
	if (lines->unmasked && !lines->away)
		came = board->lines_up(function) & lines->unmasked;
	if (came) {
		board->mask_lines(function, came);
		count(lines, came);
	}
	spin_unlock_irqrestore(&lines->lock, flags);
	return came;
}

/**
 * grabber_lines_interrupt() - the handler of the lines' interrupt, which may be that of
 *	the frames, too
 * @irq: its number
 * @data: the function
 *
 * Return: whether a line had raised it.
 */
irqreturn_t grabber_lines_interrupt(int irq, void *data)
{
	struct grabber_function *function = data;
	u32 came = take(function);

	if (came)
		wake(&function->lines);
	return IRQ_RETVAL(came);
}

/**
 * grabber_lines_share() - is a channel's interrupt also one of lines that are in use?
 * @function: the function
 * @channel: the channel
 *
 * Return: true if so; then its time says nothing of a frame.
 */
bool grabber_lines_share(const struct grabber_function *function, u32 channel)
{
	return function->board->lines_up && READ_ONCE(function->lines.used) &&
	       grabber_lines_vector(function) == grabber_vector(function, channel);
}

/* Keep back what may come. The lock is held. */
static void mask(struct grabber_function *function)
{
	struct grabber_lines *lines = &function->lines;

	lockdep_assert_held(&lines->lock);
	if (function->board->mask_lines && lines->unmasked && !lines->away)
		function->board->mask_lines(function, lines->unmasked);
}

/*
 * Let through what may come. It is masked before: a line that is up then interrupts anew,
 * for the message of its interrupt may have been lost, in a reset or without a way to
 * memory. One that was not lost has the line masked, and the second finds nothing.
 * The lock is held.
 */
static void let(struct grabber_function *function)
{
	struct grabber_lines *lines = &function->lines;

	mask(function);
	if (function->board->let_lines && lines->unmasked && !lines->away)
		function->board->let_lines(function, lines->unmasked);
}

/**
 * grabber_lines_anew() - messages have a way again
 * @function: the function
 */
void grabber_lines_anew(struct grabber_function *function)
{
	spin_lock_irq(&function->lines.lock);
	let(function);
	spin_unlock_irq(&function->lines.lock);
}

/**
 * grabber_lines_away() - whether the registers may be touched has changed
 * @function: the function
 * @away: they may not. Nor can the handler mask a line that comes then, so none does
 */
void grabber_lines_away(struct grabber_function *function, bool away)
{
	spin_lock_irq(&function->lines.lock);
	if (away)
		mask(function);
	function->lines.away = away;
	let(function);
	spin_unlock_irq(&function->lines.lock);
}

/**
 * grabber_lines_end() - the device leaves: no line interrupts any more
 * @function: the function
 */
void grabber_lines_end(struct grabber_function *function)
{
	struct grabber_lines *lines = &function->lines;

	spin_lock_irq(&lines->lock);
	mask(function);
	lines->unmasked = 0;
	lines->away = true;
	spin_unlock_irq(&lines->lock);
}

/**
 * grabber_lines_open() - a register node is opened: what came before is not for it
 * @file: the open file
 */
void grabber_lines_open(struct grabber_file *file)
{
	struct grabber_lines *lines = &file->card->function->lines;

	file->lines_asked = GENMASK(GRABBER_IRQ_LINES - 1, 0);
	spin_lock_irq(&lines->lock);
	memcpy(file->lines_seen, lines->count, sizeof(file->lines_seen));
	spin_unlock_irq(&lines->lock);
}

/* How often a line came that the file was not told of. The lock is held. */
static u64 unseen(const struct grabber_file *file, int line)
{
	return file->card->function->lines.count[line] - file->lines_seen[line];
}

/**
 * grabber_lines_ready() - has any of the lines come that a file last asked about?
 * @file: the open file
 *
 * Return: true if so.
 */
bool grabber_lines_ready(struct grabber_file *file)
{
	struct grabber_lines *lines = &file->card->function->lines;
	bool ready = false;
	int line;

	spin_lock_irq(&lines->lock);
	for (line = 0; line < GRABBER_IRQ_LINES; line++)
		ready |= file->lines_asked >> line & 1 && unseen(file, line);
	spin_unlock_irq(&lines->lock);
	return ready;
}

static u32 all_lines(const struct grabber_file *file)
{
	return BIT(file->card->board->lines) - 1;
}

/**
 * grabber_get_irqs() - GRABBER_IOC_GET_IRQS
 * @file: the open file
 * @user: the program's struct grabber_irqs
 *
 * What cannot be told, for the program's memory is not there, is told the next time.
 *
 * Return: 0; -EINVAL: there is no such line; -EOPNOTSUPP: there is none at all; -EFAULT;
 * -ERESTARTSYS.
 */
int grabber_get_irqs(struct grabber_file *file, struct grabber_irqs __user *user)
{
	struct grabber_lines *lines = &file->card->function->lines;
	struct grabber_irqs args;
	u64 told[GRABBER_IRQ_LINES];
	u32 asked;
	int line;

	if (!file->card->board->lines)
		return -EOPNOTSUPP;
	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.reserved || args.lines & ~all_lines(file))
		return -EINVAL;
	asked = args.lines ?: all_lines(file);
	memset(&args, 0, sizeof(args));
	/* Another thread may ask by the same file: each interrupt is told to one of them. */
	if (mutex_lock_interruptible(&file->read_mutex))
		return -ERESTARTSYS;
	spin_lock_irq(&lines->lock);
	memcpy(told, file->lines_seen, sizeof(told));
	for (line = 0; line < GRABBER_IRQ_LINES; line++) {
		if (!(asked >> line & 1))
			continue;
		args.count[line] = unseen(file, line);
		args.lines |= args.count[line] ? BIT(line) : 0;
		told[line] = lines->count[line];
	}
	file->lines_asked = asked;
	spin_unlock_irq(&lines->lock);
	if (copy_to_user(user, &args, sizeof(args))) {
		mutex_unlock(&file->read_mutex);
		return -EFAULT;
	}
	spin_lock_irq(&lines->lock);
	memcpy(file->lines_seen, told, sizeof(told));
	spin_unlock_irq(&lines->lock);
	mutex_unlock(&file->read_mutex);
	return 0;
}

/**
 * grabber_unmask_irq() - GRABBER_IOC_UNMASK_IRQ
 * @file: the open file
 * @user: the program's lines, a bit each
 *
 * Return: 0; -EINVAL: no line, or one that there is not; -EOPNOTSUPP; -EFAULT; or as
 * grabber_interrupts_want() and grabber_window_enter().
 */
int grabber_unmask_irq(struct grabber_file *file, const __u32 __user *user)
{
	struct grabber_card *card = file->card;
	struct grabber_lines *lines = &card->function->lines;
	u32 which;
	int err;

	if (!card->board->lines)
		return -EOPNOTSUPP;
	if (get_user(which, user))
		return -EFAULT;
	if (!which || which & ~all_lines(file))
		return -EINVAL;
	err = grabber_interrupts_want(file);
	if (err)
		return err;
	err = grabber_window_enter(card, file->filp->f_flags & O_NONBLOCK);
	if (err)
		return err;
	spin_lock_irq(&lines->lock);
	lines->unmasked |= which;
	WRITE_ONCE(lines->used, true);
	let(card->function);
	spin_unlock_irq(&lines->lock);
	grabber_window_leave(card);
	return 0;
}
