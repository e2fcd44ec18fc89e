"""Plots about helping, giving and owning up."""

from gesso.worlds.beats import Plot, beat, maybe

LITTLE_DUCKLING = Plot(
    name="little_duckling",
    theme="a duckling who lost its family",
    things="holds",
    places="water",
    beats=(
        beat(
            "{One} {weather} day, {Hero} went {to_place} with {his} {obj}.",
            "{One} {weather} day, {he} took {his} {obj} and walked {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} wanted to fill the {noun} with pretty stones.",
            "{He} hoped to bring home a {noun} full of flowers.",
        ),
        beat(
            "Then {he} heard a sad little sound. Peep, peep, peep!",
            '"Peep, peep!" said a tiny voice.',
        ),
        beat(
            "A baby duck was sitting in the grass, all alone.",
            "Between two stones sat a little duckling without its family.",
        ),
        beat(
            '"Where is your mother?" asked {Hero}, but the duckling only said peep.',
            '"Are you lost, little one?" asked {Hero}.',
        ),
        beat(
            "{Hero} put soft grass into the {obj} and made a little bed.",
            "{Hero} put {his} {obj} down, and the duckling climbed right in.",
        ),
        beat(
            "{He} carried the duckling along the water and looked everywhere.",
            "With the duckling in the {noun}, {he} walked slowly along the water.",
        ),
        beat(
            "{He} met {Friend}, who was throwing stones into the water.",
            "Soon {he} met {his} friend {Friend}.",
        ),
        beat(
            '"Have you seen a mother duck?" asked {Hero}.',
            '"This duckling needs its mother. Have you seen her?" asked {Hero}.',
        ),
        beat(
            '"Yes! I saw a whole family of ducks behind the tall grass," said {Friend}.',
            '"I think I have," said {Friend}. "Come with me!"',
        ),
        beat(
            "They tiptoed through the tall grass, and there they were.",
            "{Friend} showed the way, and there was the mother duck with five little ones.",
        ),
        beat(
            "The duckling jumped out of the {obj} and ran to its mother.",
            "The duckling gave a happy peep and hopped out of the {noun}.",
        ),
        beat(
            "The mother duck said quack, and it sounded just like thank you.",
            "All the ducks swam in a circle and quacked with joy.",
        ),
        beat(
            "{Hero} and {Friend} waved until the ducks were far away.",
            '"Now everyone is home," said {Hero}, and {Friend} nodded.',
        ),
    ),
)

BABY_BIRD = Plot(
    name="baby_bird",
    theme="a baby bird",
    things="wear",
    places="trees",
    beats=(
        beat(
            "{One} {weather} day, {Hero} put on {his} {obj} and went {to_place}.",
            "{One} {weather} day, {he} was {at_place} and wore {his} {obj}.",
        ),
        maybe("{Sky}"),
        beat(
            "Under a tree, {he} saw a baby bird. It had fallen out of its nest.",
            "Suddenly {he} heard a weak peep. A baby bird lay in the grass.",
        ),
        beat(
            '"Oh, you are so small! Are you hurt?" asked {Hero}.',
            '"Poor little bird! How can I help you?" asked {Hero}.',
        ),
        beat(
            "The bird was cold, and it could not fly yet.",
            "The bird opened its beak, but it was too weak to fly.",
        ),
        beat(
            "{Hero} took off {his} {noun} and made a soft nest out of it.",
            "So {he} took {his} {obj} and put the bird in it very gently.",
        ),
        beat(
            '"Stay warm in my {noun}. I will get help," {he} said.',
            '"Now you are warm," said {Hero}, and {he} called for {Elder}.',
        ),
        beat(
            "{Elder} came and looked up. High in the tree was the nest.",
            "{Elder} came at once and found the nest in the tree.",
        ),
        beat(
            '"We must put it back, so that its mother can feed it," said {Elder}.',
            '"Its mother must be looking for it," said {Elder}.',
        ),
        beat(
            "{Elder} held the ladder, and {Hero} climbed up with the {noun}.",
            "{Hero} climbed onto a strong branch with the bird in the {obj}.",
        ),
        beat(
            "Very slowly, {he} lifted the bird back into the nest.",
            "One, two, three, and the baby bird was home.",
        ),
        maybe("The other baby birds made room for it.", "{His} heart was beating fast."),
        beat(
            "Soon the mother bird came and sang a happy song.",
            "Then the mother bird flew to the nest and fed her baby.",
        ),
        beat(
            "{Hero} put {his} {obj} back on. It was still warm.",
            "There was a little feather on {his} {noun}, and {Hero} kept it.",
        ),
        beat(
            "Every day after that, {he} went {to_place} to listen to the birds.",
            "A few weeks later, the little bird flew over {place} all by itself.",
        ),
    ),
)

TURTLE_ON_THE_ROAD = Plot(
    name="turtle_on_the_road",
    theme="helping a slow turtle",
    things="ride",
    places="water",
    beats=(
        beat(
            "{One} {weather} day, {Hero} got on {his} {obj} and rode {to_place}.",
            "{He} had {an_obj}, and {one} {weather} day {he} rode it {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} rode faster and faster, and the wind was in {his} face.",
            "The wheels of the {noun} sang, and {he} sang too.",
        ),
        beat(
            "All at once, {he} had to stop. A turtle was in the middle of the path!",
            "Then {he} saw something round on the path, and {he} stopped just in time. It was a turtle!",
        ),
        beat(
            "It lay on its back, and its legs were in the air.",
            "The turtle had turned over, and it could not get up.",
        ),
        beat(
            '"Please help me," said the turtle. "I have been here all day."',
            '"I am stuck," said the turtle. "I wanted to go to the water."',
        ),
        beat(
            '"Of course I will help you," said {Hero}, and {he} got off the {noun}.',
            "{Hero} put the {obj} down in the grass and ran to the turtle.",
        ),
        beat(
            "{He} pushed with all {his} might until the turtle was on its feet.",
            "One push, two pushes, and the turtle was back on its feet.",
        ),
        beat(
            '"Thank you! But the water is still so far away," said the turtle.',
            '"You are very strong," said the turtle. "But I am so slow."',
        ),
        beat(
            '"Then come with me," said {Hero}, and {he} put the turtle on the {obj}.',
            '"You can ride on my {noun}," said {Hero}.',
        ),
        maybe(
            "The turtle had never been so fast in its life.",
            '"I am flying!" shouted the turtle as they rolled along.',
        ),
        beat(
            "In a minute, they were at the water, and the turtle jumped in with a splash.",
            "When they came to the water, the turtle slid in and swam in a circle.",
        ),
        beat(
            '"Come and see me again!" it called.',
            '"If you ever need a friend, I am here," it said.',
        ),
        beat(
            "{Hero} waved and rode home on {his} {obj}, but not too fast.",
            "From then on, {Hero} always rang the bell of the {noun} when {he} was {at_place}.",
        ),
    ),
)

HELPING_AT_HOME = Plot(
    name="helping_at_home",
    theme="helping with the work",
    things="holds",
    places="soil",
    beats=(
        beat(
            "{One} {weather} day, {Elder} had a lot of work {at_place}.",
            "{One} {weather} day, {Elder} was working {at_place} and looked very tired.",
        ),
        maybe("{Sky}"),
        beat(
            '"You look tired, {Elder}. May I help you?" asked {Hero}.',
            '"I want to help you, {Elder}," said {Hero}.',
        ),
        beat(
            '"You are still little," said {Elder}, "but you can pick the berries."',
            '"That is very kind," said {Elder}. "You can bring me the ripe apples."',
        ),
        beat(
            "{Hero} took {an_obj} and began to work.",
            "{Elder} gave {him} {an_obj}, and {he} got to work.",
        ),
        beat(
            "{He} filled the {noun} and carried it home. Then {he} filled it again.",
            "One by one, they went into the {noun} until it was full.",
        ),
        beat(
            "The {obj} was so heavy that {Hero} could not lift it anymore.",
            "But when {he} tried to lift the {obj}, it did not move.",
        ),
        beat(
            '"I am too small," said {Hero}, and {he} sat down.',
            '"It is too heavy for me," {he} sighed.',
        ),
        beat(
            "Then {Friend} came by and saw {him}.",
            "Just then, {his} friend {Friend} looked over the fence.",
        ),
        beat(
            '"Do you need help?" asked {Friend}. "We can carry it together."',
            '"Two are stronger than one," said {Friend}. "Let me help!"',
        ),
        beat(
            "{Hero} took one side of the {noun}, and {Friend} took the other.",
            "They both held the {obj}, counted to three and lifted it up.",
        ),
        maybe("They sang a song as they walked.", "Not one bit fell out."),
        beat(
            '{Elder} was so surprised. "You did all this? Thank you!"',
            '"What good helpers you are!" said {Elder} with a proud smile.',
        ),
        beat(
            "That evening, {Elder} made a big pie for all of them.",
            "There was fresh juice for everyone, and it was very sweet.",
        ),
        beat(
            '"Work is fun with a friend," said {Hero}.',
            "The {obj} stood by the door, ready for the next day.",
        ),
    ),
)

TELLING_THE_TRUTH = Plot(
    name="telling_the_truth",
    theme="telling the truth",
    things="rolls",
    places="home",
    beats=(
        beat(
            "{He} had {an_obj} and played with it all the time.",
            "{Elder} had given {him} {an_obj}.",
        ),
        beat(
            '"Please do not play with it {at_place}," said {Elder}.',
            '"That {noun} is only for outside," {Elder} always said.',
        ),
        beat(
            "But {one} {weather} day, {Hero} did not want to go out.",
            "{One} {weather} day, {Elder} was busy, and {Hero} was bored.",
        ),
        beat(
            "{He} took the {obj} and rolled it across the floor {at_place}.",
            "So {he} played with the {obj} {at_place}.",
        ),
        beat(
            "The {noun} rolled faster and faster. Then there was a crash!",
            "The {noun} bumped into a small table. Crash!",
        ),
        beat(
            "The blue vase was on the floor, and it was broken.",
            "The big vase fell down and broke into many pieces.",
        ),
        maybe(
            "{Hero} hid the {noun} behind {his} back and did not know what to do.",
            "{Hero} pushed the {noun} under a chair and held {his} breath.",
        ),
        beat(
            '"What was that?" asked {Elder} from the next room.',
            '{Elder} came in and saw the vase. "Who did this?" asked {Elder}.',
        ),
        beat(
            '"It was the wind," said {Hero}, and {he} looked at the floor.',
            '"I do not know," said {Hero}, and {his} face felt hot.',
        ),
        maybe(
            "{Elder} did not say a word and began to clean up.",
            "{Elder} only nodded and picked up the pieces.",
        ),
        beat(
            "{Hero} had a heavy feeling in {his} belly. It got heavier and heavier.",
            "All day long, {Hero} could not play and could not smile.",
        ),
        beat(
            "In the end, {he} took the {obj} and went to {Elder}.",
            "That evening, {he} could not keep it in anymore.",
        ),
        beat(
            '"It was me who broke it, me and my {noun}," {he} said. "I am so sorry."',
            '"I broke it," {he} said. "I played with the {noun}, and then I lied. I am sorry."',
        ),
        beat(
            '{Elder} took {him} into a warm hug. "It was brave of you to tell the truth."',
            '"A vase is only a vase," said {Elder}. "The truth is much more important."',
        ),
        maybe(
            "The heavy feeling was gone at once.",
            "{Hero} felt as light as a feather.",
        ),
        beat(
            "The next time {he} played with the {obj}, {he} took it outside.",
            "They put the pieces together, and {Hero} put the {noun} away for a week.",
        ),
    ),
)

TRADING = Plot(
    name="trading",
    theme="trading one thing for another",
    things="gift",
    places="outdoors",
    beats=(
        beat(
            "{One} {weather} day, {he} found a smooth white pebble {at_place}.",
            "{One} {weather} day, {Hero} went {to_place} and picked up a round pebble.",
        ),
        maybe("{Sky}"),
        beat(
            "On the way, {he} met a mole who was looking at the ground.",
            "Soon {he} met a mole with a sad face.",
        ),
        beat(
            '"I need a pebble for my door," said the mole. "I will give you a jar of honey for it."',
            '"What a fine pebble! Will you trade it for a jar of honey?" asked the mole.',
        ),
        beat(
            "{Hero} gave the mole the pebble and took the honey.",
            '"Yes, I will," said {Hero}, and {he} took the honey.',
        ),
        beat(
            "Next, {he} met a goose who had a sore throat.",
            "Then a goose came along. She could not sing, because her throat hurt.",
        ),
        beat(
            '"Honey would help me so much," said the goose. "Take {an_obj} for it!"',
            '"If you give me the honey, you can have {an_obj}," said the goose.',
        ),
        beat(
            "So {Hero} gave away the honey and got the {obj}.",
            "{Hero} gave her the honey, and now {he} had {an_obj}.",
        ),
        beat(
            '"What a lucky day! I love this {noun}," said {Hero}.',
            "The {noun} was the nicest thing that {he} had ever had.",
        ),
        beat(
            "Then {he} saw {his} friend {Friend} at the side of the path.",
            "At the next corner sat {his} friend {Friend}.",
        ),
        beat(
            '"It is my birthday, but I did not get a gift," said {Friend}.',
            '"Today is my birthday, and nobody came," said {Friend}.',
        ),
        beat(
            "{Hero} looked at the {obj}, and then {he} looked at {Friend}.",
            "{Hero} held the {obj} tight. But not for long.",
        ),
        beat(
            '"Then this is for you," said {Hero}. "Happy birthday!"',
            '"Happy birthday, {Friend}! Here is {an_obj} for you," said {Hero}.',
        ),
        beat(
            '"For me? I have nothing to trade for it," said {Friend}.',
            '{Friend} smiled from ear to ear. "But what can I give you for it?" {fhe} asked.',
        ),
        beat(
            '"A smile is enough," said {Hero}.',
            '"You are my friend. That was the best trade of all," said {Hero}.',
        ),
    ),
)

PLOTS_HELPING = (LITTLE_DUCKLING, BABY_BIRD, TURTLE_ON_THE_ROAD, HELPING_AT_HOME, TELLING_THE_TRUTH, TRADING)
