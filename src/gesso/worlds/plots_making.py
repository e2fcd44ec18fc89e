"""Plots about making, mending and growing things."""

from gesso.worlds.beats import Plot, beat, maybe

MENDING = Plot(
    name="mending",
    theme="a broken thing that is mended",
    things="breaks",
    places="outdoors",
    beats=(
        beat(
            "{He} had {an_obj} that {he} loved very much.",
            "{Elder} had once made {him} {an_obj}.",
        ),
        beat(
            "{One} {weather} day, {he} played with the {noun} {at_place}.",
            "{One} {weather} day, {Hero} took the {obj} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{Hero} was not careful, and the {noun} fell on a rock.",
            "Then {he} tripped over a root, and the {noun} flew out of {his} {hand}.",
        ),
        beat(
            "Crack! The {obj} broke in two.",
            "There was a loud crack, and the {obj} was broken.",
        ),
        beat(
            '"Oh no! My poor {noun}!" cried {Hero}.',
            "{Hero} picked up the pieces, and tears ran down {his} face.",
        ),
        beat(
            "{He} carried the pieces home and showed them to {Elder}.",
            "{He} put the pieces in {his} bag and ran home to {Elder}.",
        ),
        beat(
            '"Can we get a new one?" {he} asked.',
            '"It is broken, and now I must throw it away," {he} said.',
        ),
        beat(
            '"We do not need a new one," said {Elder}. "We can fix it."',
            '{Elder} looked at the {noun}. "What is broken can be mended," said {Elder}.',
        ),
        beat(
            "{Elder} got some glue and a small brush.",
            "They sat down at the table with glue and string.",
        ),
        beat(
            "{Hero} held the pieces together, and {Elder} put the glue on.",
            "{Elder} showed {him} how to do it, and {Hero} did it all by {himself}.",
        ),
        beat(
            "Then they had to wait. {Hero} looked at the {noun} every minute.",
            '"Now it must dry," said {Elder}. Waiting was the hardest part.',
        ),
        maybe("They drank some tea and told stories.", "The clock went tick, tock, tick, tock."),
        beat(
            "In the evening, the {obj} was whole again.",
            "At last it was dry, and the {noun} was as strong as before.",
        ),
        beat(
            '"You can still see a thin line," said {Hero}. "I like it. It shows that we fixed it."',
            '"I love it even more now," said {Hero}, and {he} hugged {Elder}.',
        ),
        beat(
            "The next time {he} went {to_place}, {Hero} was very careful with the {noun}.",
            "From then on, {Hero} took good care of the {obj}.",
        ),
    ),
)

SEED = Plot(
    name="seed",
    theme="planting a seed",
    things="plant",
    places="soil",
    beats=(
        beat(
            "{One} {weather} day, {Elder} gave {him} a tiny seed.",
            "{One} {weather} day, {Hero} found a little seed in {his} pocket.",
        ),
        beat(
            '"What will it be?" asked {Hero}. "Plant it and wait," said {Elder}.',
            '"Put it in the ground, and you will see," said {Elder}.',
        ),
        beat(
            "{Hero} went {to_place} and dug a small hole.",
            "{Hero} made a hole with {his} {hand} {at_place}.",
        ),
        maybe("{Sky}"),
        beat(
            '"Good night, little seed," {he} said, and {he} covered it up.',
            "{He} put the seed in and covered it with soft earth.",
        ),
        beat(
            "Every day {he} gave it water, but nothing came up.",
            "{He} gave it water and waited, but there was nothing to see.",
        ),
        beat(
            '"Nothing is there," said {Friend}. "Let us play a game!"',
            '{His} friend {Friend} came by. "I think your seed is asleep," {fhe} said.',
        ),
        beat(
            '"I will not give up," said {Hero}. "It just needs more time."',
            "But {Hero} did not stop. {He} even sang to the seed.",
        ),
        maybe("Then it rained for two days.", "A worm came up and looked around."),
        beat(
            "One morning, there was a tiny green tip in the ground.",
            "And then, one morning, something green peeked out.",
        ),
        beat(
            '"It is awake! {Friend}, come and look!" shouted {Hero}.',
            '"{Elder}! {Friend}! It is growing!" called {Hero}.',
        ),
        beat(
            "Day by day it grew, until it was as tall as {his} knee.",
            "It got one leaf, then two leaves, and then a fat round bud.",
        ),
        beat(
            "At last, the bud opened, and there was {an_obj}.",
            "Then the sun kissed the bud, and it opened. It was {an_obj}!",
        ),
        beat(
            "It was the most beautiful {noun} {at_place}.",
            "The {obj} smelled sweet, and bees came to visit it.",
        ),
        beat(
            '"You were right to wait," said {Friend}.',
            '"Good things take time," said {Elder}, and {Friend} nodded.',
        ),
        beat(
            "{Hero} gave the {noun} some water and smiled.",
            "{Hero} sat next to the {obj} until the sun went down.",
        ),
    ),
)

BAKING = Plot(
    name="baking",
    theme="baking",
    things="baked",
    places="cook",
    beats=(
        beat(
            "{One} {weather} day, {Hero} wanted to bake {an_obj} for {his} friend {Friend}.",
            '"I want to make {an_obj} for {Friend}," said {Hero} {one} {weather} day.',
        ),
        maybe("{Sky}"),
        beat(
            "{He} went {to_place} and put on a big white apron.",
            "{Elder} was {at_place} and said that {he} could use the oven.",
        ),
        beat(
            "{He} took flour, eggs, milk and a lot of sugar.",
            "First, {he} put flour and eggs into a bowl.",
        ),
        beat(
            "{Hero} mixed it all, and soon there was flour on {his} nose.",
            "{He} stirred and stirred until {his} arm was tired.",
        ),
        beat(
            "{Elder} put the {noun} into the hot oven.",
            "Then the {noun} went into the oven.",
        ),
        beat(
            "{Hero} sat down to wait, but then {he} fell asleep.",
            "{Hero} looked at a book and forgot the time.",
        ),
        beat(
            '"What is that smell?" asked {Elder}. "My {noun}!" cried {Hero}.',
            'Suddenly there was smoke in the room. "Oh no, the {noun}!" cried {Hero}.',
        ),
        beat(
            "It was black and as hard as a rock.",
            "The {noun} was burned, and nobody could eat it.",
        ),
        beat(
            "{Hero} wanted to cry, but {Elder} gave {him} a hug.",
            '"Now I have nothing for {Friend}," said {Hero}.',
        ),
        beat(
            '"Even the best bakers burn one now and then," said {Elder}. "Try again!"',
            '"We have more flour," said {Elder}. "And I will help you watch the clock."',
        ),
        beat(
            "So {Hero} started again. This time, {he} did not take {his} eyes off the oven.",
            "{He} made it all over again and stood next to the oven the whole time.",
        ),
        beat(
            "Ding! Out came {an_obj}, and it smelled wonderful.",
            "When it was done, {he} had {an_obj}, just as {he} had wished.",
        ),
        beat(
            '{Friend} came in and took a bite. "Mmm! This is so good!" {fhe} said.',
            '"Did you make this {noun} for me?" asked {Friend}. "It is the best I ever had!"',
        ),
        beat(
            "They sat {at_place} and ate it all up, to the very last crumb.",
            "They shared the {obj} with {Elder}, and everyone wanted more.",
        ),
    ),
)

SNOWMAN = Plot(
    name="snowman",
    theme="a snowman",
    things="wear",
    places="snow",
    weather="snow",
    beats=(
        beat(
            "{One} {weather} day, {Hero} looked out of the window and cheered.",
            "{One} {weather} day, the whole world was white.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} put on {his} {obj} and ran {to_place}.",
            '"Do not forget your {obj}," said {Elder}. Then {Hero} ran {to_place}.',
        ),
        beat(
            '{His} friend {Friend} was there already. "Let us make a snowman!" {fhe} called.',
            '"Will you help me make a snowman?" {he} asked {his} friend {Friend}.',
        ),
        beat(
            "They rolled a big ball of snow, and then a smaller one.",
            "{Hero} made the belly, and {Friend} made the head.",
        ),
        beat(
            "Two stones were the eyes, and a carrot was the nose.",
            "They gave the snowman a carrot nose and a smile made of little stones.",
        ),
        beat(
            '"Something is missing," said {Hero}. "He looks cold."',
            '{Friend} took a step back. "He still looks a little sad," {fhe} said.',
        ),
        beat(
            "{Hero} took off {his} {noun} and put it on the snowman.",
            '"He can have my {obj}," said {Hero}, and {he} put it on the snowman.',
        ),
        beat(
            "The snowman seemed to smile even more.",
            '"Now he is perfect!" said {Friend}.',
        ),
        beat(
            "They danced around him until it got dark, and then they went home.",
            "They told him jokes and sang to him all afternoon.",
        ),
        beat(
            "That night, {Hero} looked out and could not believe {his} eyes.",
            "In the night, {he} heard soft steps in the snow.",
        ),
        beat(
            "The snowman was dancing {at_place} in the moonlight, and the {noun} danced too.",
            "The snowman stood at the window with the {obj} and waved.",
        ),
        maybe('"Is this a dream?" asked {Hero}.', "Then a cloud hid the moon."),
        beat(
            "In the morning, the {obj} lay on the doorstep, dry and warm.",
            "The next morning, {he} found the {noun} on {his} chair.",
        ),
        beat(
            '"I think he said thank you," said {Friend}.',
            "{Hero} told {Friend}, and they ran {to_place} to hug the snowman.",
        ),
    ),
)

SAILING = Plot(
    name="sailing",
    theme="a little boat",
    things="floats",
    places="stream",
    beats=(
        beat(
            "{Elder} and {Hero} had made {an_obj} out of wood.",
            "{He} had painted {his} {obj} all by {himself}.",
        ),
        beat(
            "{One} {weather} day, {he} took it {to_place} to see if it could float.",
            "{One} {weather} day, {Hero} carried the {noun} {to_place}.",
        ),
        maybe("{Sky}"),
        beat(
            "{He} tied a long string to the {noun} and put it on the water.",
            "{Hero} put it down on the water very gently.",
        ),
        beat(
            "It floated! The {obj} danced on the small waves.",
            '"It floats! It floats!" cheered {Hero}, and {he} clapped.',
        ),
        beat(
            "A beetle sat down on the {noun} like a little captain.",
            "A frog jumped on the {noun} and wanted a ride.",
        ),
        beat(
            "Then the string broke, and the {obj} went away with the water.",
            "But then a fast wave came and carried the {noun} away.",
        ),
        beat(
            '"Stop! Wait for me!" called {Hero}, and {he} ran along the bank.',
            "{Hero} ran and ran, but the water was faster.",
        ),
        beat(
            "The {noun} went around a big stone and under a bridge.",
            "It went past the reeds and past a family of ducks.",
        ),
        beat(
            "There was {Friend}, who was fishing with a long net.",
            "Farther down, {Friend} was standing in the water.",
        ),
        beat(
            '"{Friend}! Please catch my {noun}!" called {Hero}.',
            '"Help! My {obj} is coming your way!" shouted {Hero}.',
        ),
        beat(
            "{Friend} made a big step, reached out and caught it.",
            "{Friend} waited for the right moment. Splash! {Fhe} had it.",
        ),
        beat(
            '"Is this yours, captain?" asked {Friend} with a grin.',
            '"What a fine {noun}! It has come a long way," said {Friend}.',
        ),
        beat(
            '"You saved it! Thank you," said {Hero}, quite out of breath.',
            "{Hero} took the wet {noun} and laughed with joy.",
        ),
        beat(
            "They tied a stronger string to the {obj} and sailed it {at_place} until the evening.",
            "The two friends played {at_place} all day, one on each side of the water.",
        ),
    ),
)

SANDCASTLE = Plot(
    name="sandcastle",
    theme="a sandcastle",
    things="sand",
    places="sandy",
    beats=(
        beat(
            "{One} {weather} day, {Hero} took {his} {obj} {to_place}.",
            "{One} {weather} day, {he} was {at_place} with {an_obj}.",
        ),
        maybe("{Sky}"),
        beat(
            '"I will build the biggest castle in the world," said {Hero}.',
            "{He} wanted to build a castle with four tall towers.",
        ),
        beat(
            "{He} dug with the {noun} and made the first tower.",
            "The {noun} went up and down, and soon there was a big pile of wet sand.",
        ),
        beat(
            "{He} put shells on the walls and a leaf on top for a flag.",
            "{He} made a door, a bridge and a long wall.",
        ),
        beat(
            "Then {Friend} came running and did not look where {fhe} was going.",
            "Just then, {Friend} ran by, chasing a ball.",
        ),
        beat(
            "Crash! {Friend} fell right into the castle.",
            "Oh no! With one step, {Friend} broke the tallest tower.",
        ),
        beat(
            '"My castle! You broke it!" cried {Hero}.',
            '{Hero} threw down the {obj}. "Look what you did!" {he} cried.',
        ),
        beat(
            '"I am so sorry. I did not see it," said {Friend}, and {fhis} lip shook.',
            '{Friend} turned red. "I did not mean to," {fhe} said.',
        ),
        beat(
            "{Hero} was angry, but then {he} saw that {Friend} was really sorry.",
            "{Hero} took three deep breaths, and then {he} was not so angry anymore.",
        ),
        beat(
            '"It was an accident," said {Hero}. "Will you help me build a new one?"',
            '"We can make it again," said {Hero}, and {he} gave {Friend} the {noun}.',
        ),
        beat(
            "{Friend} dug with the {obj}, and {Hero} made the towers.",
            "They took turns with the {obj}, and the pile grew and grew.",
        ),
        maybe("The waves made music for them.", "A crab came and watched them."),
        beat(
            "The new castle was twice as big as the old one.",
            "This time it had six towers and a garden made of shells.",
        ),
        beat(
            '"It is much better than before," said {Hero}. "We are good builders!"',
            "{Elder} took a picture of the two builders {at_place}.",
        ),
    ),
)

PLOTS_MAKING = (MENDING, SEED, BAKING, SNOWMAN, SAILING, SANDCASTLE)
